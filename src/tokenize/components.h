// The parts of a tokenizer.json, from their descriptions. An unknown type throws Wrong with its name.
#pragma once

#include <memory>
#include <vector>

#include "tokenize/fields.h"
#include "tokenize/parts.h"

namespace lathe::tokenize {

// `bert` becomes BERT's rules where it is BERT's normalizer and nothing else.
NormalizerPtr read_normalizer(const Node& node, std::optional<BertRules>& bert);

struct PreTokenizerReading {
  PreTokenizerPtr pre_tokenizer;
  bool is_bert = false;      // BERT's and nothing else
  bool gives_bytes = false;  // the words are bytes: the model is to take them in GPT-2's alphabet
};
// `bytes_possible`: the model can take bytes, so that a ByteLevel at the end need not rewrite the text.
PreTokenizerReading read_pre_tokenizer(const Node& node, bool bytes_possible);

DecoderPtr read_decoder(const std::optional<Node>& node);

// Sets parts.before and parts.after.
void read_post_processor(const Node& node, Tokenizer::Parts& parts);

// Sets parts.model; `model_ids` are the pieces of the model itself, without added ones.
void read_model(const Node& node, const TokenizerFile& file, std::span<const int32_t> model_ids, bool bytes,
                Tokenizer::Parts& parts);
// "WordPiece", "Unigram" or "BPE".
std::string model_kind(const Node& node, const TokenizerFile& file);

// A "pattern": {"String": ...} or {"Regex": ...}.
struct Pattern {
  bool is_regex = false;
  std::string text, path;
  Regex regex() const { return is_regex ? Regex(text, path) : Regex::literal(text, path); }
};
Pattern read_pattern(const Node& node);

}  // namespace lathe::tokenize
