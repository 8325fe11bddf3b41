// Floats as integers that compare as they do, so that maxima over them are vectorised at the baseline and do not
// depend on how a compiler treats NaN and the two zeros. Defined for every value but NaN; -0 must have become +0.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace lathe::sample {

constexpr int32_t order_key(float value) {
  const auto bits = std::bit_cast<int32_t>(value);
  return bits ^ (bits >> 31 & std::numeric_limits<int32_t>::max());
}
constexpr float value_of_key(int32_t key) {
  return std::bit_cast<float>(key ^ (key >> 31 & std::numeric_limits<int32_t>::max()));
}

inline constexpr int32_t kInfinityKey = order_key(std::numeric_limits<float>::infinity());
inline constexpr int32_t kMinusInfinityKey = order_key(-std::numeric_limits<float>::infinity());

}  // namespace lathe::sample
