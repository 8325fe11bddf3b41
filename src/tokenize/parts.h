// What a tokenizer is made of. The factories fill it in; tokenizer.cc runs it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tokenize/added_tokens.h"
#include "tokenize/bert.h"
#include "tokenize/decoder.h"
#include "tokenize/model.h"
#include "tokenize/normalizer.h"
#include "tokenize/pre_tokenizer.h"
#include "tokenize/tokenizer.h"
#include "tokenize/vocab.h"

namespace lathe::tokenize {

struct Tokenizer::Parts {
  std::string name, kind;
  Vocab vocab;                   // all of it, added tokens among them
  PieceIndex by_text;            // for id_of()
  std::vector<bool> is_special;  // by id
  std::unique_ptr<const Model> model;
  NormalizerPtr normalizer;            // none: the text as it is
  PreTokenizerPtr pre_tokenizer;       // none: the text is one word
  std::optional<BertRules> bert;       // both of them are BERT's: one pass does it
  AddedTokens raw_tokens;              // looked for in the text
  AddedTokens normalized_tokens;       // looked for in the normalized text
  std::vector<int32_t> before, after;  // what the template puts around the ids
  bool truncate_left = false;
  DecoderPtr decoder;
  SpecialIds special;
  std::optional<int64_t> max_tokens;
};

Tokenizer make_tokenizer(std::unique_ptr<const Tokenizer::Parts> parts);

// Sorts `tokens` into the two sets. A normalized token's content is normalized like a text.
void set_added_tokens(Tokenizer::Parts& parts, std::vector<AddedToken> tokens);
// Ids 0 .. size-1.
std::vector<int32_t> all_ids(const Vocab& vocab);

}  // namespace lathe::tokenize
