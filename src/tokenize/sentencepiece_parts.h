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
  bool special_in_text = false;  // control pieces are found in texts
};

// Throws Wrong. parts.before and .after stay empty, parts.special is set as far as `kinds` tell.
std::unique_ptr<Tokenizer::Parts> sentencepiece_parts(std::string_view name, const SentencePieceSetup& setup);

}  // namespace lathe::tokenize
