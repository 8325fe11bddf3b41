// The byte-level tokenizers that GGUF knows by a name.
#pragma once

#include <string_view>

#include "tokenize/gpt_pattern.h"

namespace lathe::tokenize {

// By tokenizer.ggml.pre: how text is cut into words.
struct ByteLevelKind {
  std::string_view pre;
  GptPattern pattern;
  bool digits_alone;  // cut out before the pattern
  bool nfc;
  bool whole_words;  // a word that is a piece is that piece
};
constexpr ByteLevelKind kByteLevelKinds[] = {
    {"gpt-2", GptPattern::gpt2, false, false, false},
    {"gpt2", GptPattern::gpt2, false, false, false},
    {"phi-2", GptPattern::gpt2, false, false, false},
    {"roberta-bpe", GptPattern::gpt2, false, false, false},
    {"jina-v2-en", GptPattern::gpt2, false, false, false},
    {"mpt", GptPattern::gpt2, false, false, false},
    {"olmo", GptPattern::gpt2, false, true, false},
    {"starcoder", GptPattern::gpt2, true, false, false},
    {"smollm", GptPattern::gpt2, true, false, false},
    {"qwen2", GptPattern::qwen2, false, true, false},
    {"deepseek-r1-qwen", GptPattern::qwen2, false, true, false},
    {"llama-bpe", GptPattern::llama3, false, false, true},
    {"llama3", GptPattern::llama3, false, false, true},
    {"llama-v3", GptPattern::llama3, false, false, true},
};

}  // namespace lathe::tokenize
