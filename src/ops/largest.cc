#include "ops/largest.h"

#include <algorithm>
#include <bit>

namespace lathe::ops {

// Without their sign, the bits of floats are ordered as the numbers are, and those of NaN stand behind infinity's.
float largest_magnitude(const float* x, int64_t n) noexcept {
  uint32_t most = 0;
  for (int64_t i = 0; i < n; ++i) most = std::max(most, std::bit_cast<uint32_t>(x[i]) & 0x7fffffffu);
  return std::bit_cast<float>(most);
}

}  // namespace lathe::ops
