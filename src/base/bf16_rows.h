// Runs of bf16, by loops that the compiler makes vectors of.
#pragma once

#include <bit>
#include <cstdint>

#include "base/types.h"

namespace lathe {

// to_bf16 without a branch.
inline uint16_t rounded_bf16(float x) {
  const uint32_t u = std::bit_cast<uint32_t>(x);
  const uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16, quiet = (u >> 16) | 0x40u;
  return static_cast<uint16_t>((u & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

inline void narrow(const float* from, int64_t count, bf16* to) {
  for (int64_t i = 0; i < count; ++i) to[i].bits = rounded_bf16(from[i]);
}
inline void widen(const bf16* from, int64_t count, float* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = to_float(from[i]);
}

}  // namespace lathe
