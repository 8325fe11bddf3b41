// How many copies of its operands a shape is timed with, so that no call finds them in the last cache.
#pragma once

#include <cstdint>

#include "kernels/matmul/matmul.h"
#include "lathe/status.h"

namespace lathe::probe {

struct Memory {
  int64_t last_cache_bytes = 0;
  int64_t available_bytes = 0;  // 0: not known
};

struct Rotation {
  int64_t copies = 1;
  bool cold = false;         // the copies exceed the last cache by far
  double cold_bytes = 0;     // of one call, that then come from memory: W, and where it is unprepared A
  int64_t needed_bytes = 0;  // of all operands, about
};

// `packings`: in how many forms the weights are kept at once (ours, a library's own, plain). An error where even one
// copy does not fit.
Result<Rotation> plan_rotation(const matmul::Problem& problem, bool hot, int packings, const Memory& memory);

}  // namespace lathe::probe
