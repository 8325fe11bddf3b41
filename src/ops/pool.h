// From the vectors of a text's tokens to one vector of the text.
#pragma once

#include <cstdint>
#include <span>

#include "formats/sentence_transformer.h"
#include "ops/embedding.h"
#include "platform/team.h"

namespace lathe::ops {

// Sums over tokens are one chain in f32, tokens ascending; the length of the vector is summed in f64, elements
// ascending. So a text's vector depends on the text alone.
struct PoolOperands {
  const float* x = nullptr;  // [tokens, width]
  int64_t width = 0;
  std::span<const Pooling> modes;   // their results are concatenated
  std::span<const int64_t> skip{};  // of each text, fewer tokens than it has: left out from its beginning; empty: none
  bool normalize = true;
  int64_t keep = 0;    // of the concatenated elements, the first so many are kept, before normalising
  float* y = nullptr;  // [texts, width * modes]; of a row, the first `keep` elements are the result
};

// Every worker pools its share of the texts. Ends without a barrier.
void pool(const Team::Worker& worker, const TextBatch& batch, const PoolOperands& x) noexcept;

// The first `keep` elements of each of `rows` rows of y to length 1, for what stands between pooling and the end. Every
// worker takes its share. Ends without a barrier.
void normalize_rows(const Team::Worker& worker, float* y, int64_t rows, int64_t row, int64_t keep) noexcept;

}  // namespace lathe::ops
