// How many tokens a pass may have under a limit of memory.
#pragma once

#include <cstdint>
#include <functional>

#include "lathe/status.h"

namespace lathe::run {

struct MemoryBudget {
  int64_t limit = 0;   // bytes of the whole process
  int64_t base = 0;    // bytes that it has without any pass
  int64_t peak = 0;    // bytes that it has had already
  int64_t least = 1;   // tokens that a pass must be able to have: those of the longest text
  int64_t wanted = 1;  // tokens that it would like to have
};

// Between `least` and `wanted`; an error says the least that is possible. `pass_bytes` is what a pass of so many tokens
// takes, and does not fall with them.
Result<int64_t> tokens_within(const MemoryBudget& budget, const std::function<Result<int64_t>(int64_t)>& pass_bytes);

}  // namespace lathe::run
