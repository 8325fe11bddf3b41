// The embedding of tokens in training, forwards and backwards: x = words[id] (+ type) (+ positions[place]), where the
// place is that in windows of equal length or what `places` says.
//
// Backwards every token adds its row to its word's: columns are divided among the workers, so that an element of the
// gradient is one chain over the tokens ascending, whatever their number and however often a word comes up.
#pragma once

#include <cstdint>

#include "kernels/optimizer/optimizer.h"
#include "platform/team.h"

namespace lathe::ops {

struct TokenEmbedding {
  const int32_t* ids = nullptr;  // [tokens]
  int64_t tokens = 0, length = 1;
  const int32_t* places = nullptr;  // [tokens]; nullptr: windows of `length`
  int64_t width = 1;
  const float* words = nullptr;
  const float* type = nullptr;       // nullptr: none; backwards it is linear_bias's
  const float* positions = nullptr;  // nullptr: none
};

void embed_tokens(const Team::Worker& worker, const TokenEmbedding& e, float* y) noexcept;
// dwords += ..., dpositions += ...
void embed_tokens_back(const Team::Worker& worker, const optimizer::Variant& kernel, const TokenEmbedding& e,
                       const float* dy, float* dwords, float* dpositions) noexcept;

}  // namespace lathe::ops
