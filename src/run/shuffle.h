// An order of 0 .. count-1 that is a function: place `index` of the order that `seed` and `epoch` give is computed, not
// looked up, so that no list of them is stored and any place can be begun at. The same on every machine.
#pragma once

#include <cstdint>

namespace lathe::run {

// A permutation of 0 .. count-1. `index` is below `count`, which is 1 or more.
int64_t shuffled(uint64_t seed, int64_t epoch, int64_t index, int64_t count);

// A number below `bound` (1 or more) that seed and epoch decide.
int64_t drawn(uint64_t seed, int64_t epoch, int64_t bound);

}  // namespace lathe::run
