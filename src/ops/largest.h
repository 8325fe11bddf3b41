// The range of what passes through a model.
#pragma once

#include <cstdint>

namespace lathe::ops {

// The largest |x[i]| of n >= 0 numbers, 0 of none; NaN where one of them is NaN. The same in any order.
float largest_magnitude(const float* x, int64_t n) noexcept;

}  // namespace lathe::ops
