// A SentencePiece tokenizer from its pieces: what a .model file and GGUF have in common.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/parts.h"
#include "tokenize/sentencepiece_normalizer.h"

namespace lathe::tokenize {

struct SentencePieceSetup {
  bool unigram = true;  // else BPE
  std::vector<std::string_view> pieces;
  std::vector<float> scores;
  std::vector<PieceKind> kinds;
  std::string_view charsmap;
  std::string charsmap_field;  // what a sentence calls it
  SentencePieceRules rules;
  bool byte_fallback = false;
  bool special_in_text = false;          // control pieces are found in texts
  int32_t bos = -1, eos = -1, pad = -1;  // that a .model file names
};

// The bytes of a .model file. Throws Wrong; the views lead into `model`.
SentencePieceSetup read_sentencepiece(std::string_view model);

// Throws Wrong. parts.before and .after stay empty, parts.special is set as far as `kinds` tell.
std::unique_ptr<Tokenizer::Parts> sentencepiece_parts(std::string_view name, const SentencePieceSetup& setup);

}  // namespace lathe::tokenize
