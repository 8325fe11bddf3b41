// A vector as integers and one scale: x[k] is about scale * q[k]. For scans over many stored vectors, where the query
// meets each of them once; see kernels/scan.
#pragma once

#include <cstdint>
#include <span>

namespace lathe {

// q[k] = x[k] / scale to the nearest, ties to even, scale = max|x| / 127; the scale is returned. Finite x; zeros have
// scale 0 and zeros.
float encode_row_s8(std::span<const float> x, int8_t* q);

// The same with integers up to query_limit(dim): the widest that no sum of products with signed bytes overflows.
float encode_query_s16(std::span<const float> x, int16_t* q);

constexpr int64_t kMostRowDim = 65536;

constexpr int64_t query_limit(int64_t dim) {
  const int64_t widest = INT32_MAX / (128 * dim);
  return widest < INT16_MAX ? widest : INT16_MAX;
}

}  // namespace lathe
