// Random operands, fast enough to fill gigabytes, the same for a seed on every machine and with any number of threads.
#pragma once

#include <cstdint>

#include "platform/team.h"

namespace lathe::probe {

// The i-th of the sequence of `seed` (splitmix64: a counter, mixed).
inline uint64_t random_bits(uint64_t seed, int64_t i) {
  uint64_t z = seed * 0xd1342543de82ef95u + (static_cast<uint64_t>(i) + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// Uniform in [-1, 1), a multiple of 2^-23.
inline float random_float(uint64_t seed, int64_t i) {
  return static_cast<float>(static_cast<int32_t>(random_bits(seed, i) >> 40) - (1 << 23)) * 0x1p-23f;
}

void fill_uniform(Team& team, uint64_t seed, int64_t count, float* out);

}  // namespace lathe::probe
