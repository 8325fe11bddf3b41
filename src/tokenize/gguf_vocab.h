// What the tokenizer.ggml.* fields of a GGUF file must hold, and what they say of a token.
#pragma once

#include <cstddef>
#include <string_view>

#include "tokenize/byte_level_kinds.h"
#include "tokenize/sentencepiece_parts.h"
#include "tokenize/tokenizer.h"

namespace lathe::tokenize {

// Throws Wrong (wrong.h) with the field, what was found and what was needed.
void check_vocab(const GgufVocab& v);
PieceKind kind_of(const GgufVocab& v, size_t token);
const ByteLevelKind& byte_level_kind(std::string_view pre);

}  // namespace lathe::tokenize
