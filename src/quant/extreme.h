// The value of a block that the choice of its scale begins with.
#pragma once

#include <cmath>

namespace lathe {

// Of `count` values that of the largest magnitude, with its sign, the first of equal ones; 0 where there is none. The
// magnitude has a variable of its own: of fabs(x[i]) > fabs(extreme) clang 19 drops the second fabs where it unrolls
// the loop, and finds another value.
inline float extreme_of(const float* x, int count) {
  float extreme = 0, magnitude = 0;
  for (int i = 0; i < count; ++i)
    if (std::fabs(x[i]) > magnitude) extreme = x[i], magnitude = std::fabs(x[i]);
  return extreme;
}

}  // namespace lathe
