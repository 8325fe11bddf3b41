// GGUF's K-quants: super-blocks of 256 weights whose scales are quantised themselves. The scalar decode is the
// definition of a block; `encode` searches for the block that is nearest (k_encode.cc).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/types.h"

namespace lathe {

// The eight 6-bit scales and 6-bit minima of Q4_K and Q5_K, one pair per 32 weights, in 12 bytes: the first four of
// each have a byte of their own; of the last four the low nibble is in bytes 8 to 11 (scale low, minimum high) and the
// upper two bits are the upper two of bytes 0 to 7.
struct KScales {
  uint8_t bytes[12];

  int scale(int j) const noexcept { return j < 4 ? bytes[j] & 63 : (bytes[j + 4] & 15) | (bytes[j - 4] >> 6) << 4; }
  int minimum(int j) const noexcept { return j < 4 ? bytes[j + 4] & 63 : bytes[j + 4] >> 4 | (bytes[j] >> 6) << 4; }
  static KScales of(const std::array<int, 8>& scales, const std::array<int, 8>& minima) noexcept;
};

// value = (d * scale) * nibble - dmin * minimum. Weights 64g .. 64g+31 are the low nibbles of qs[32g ..], the next 32
// the high ones.
struct BlockQ4_K {
  static constexpr int kSize = 256;
  f16 d, dmin;
  KScales scales;
  uint8_t qs[kSize / 2];
};
static_assert(sizeof(BlockQ4_K) == 144);

// As Q4_K with a fifth bit: bit j of qh[i] belongs to weight 32j + i.
struct BlockQ5_K {
  static constexpr int kSize = 256;
  f16 d, dmin;
  KScales scales;
  uint8_t qh[kSize / 8];
  uint8_t qs[kSize / 2];
};
static_assert(sizeof(BlockQ5_K) == 176);

// value = (d * scales[i / 16]) * (q - 32). Of each half of 128 weights, weight 32g + i (g of 0 .. 3) has its low four
// bits in nibble g / 2 of ql[32 (g % 2) + i] and its upper two at bit 2g of qh[i].
struct BlockQ6_K {
  static constexpr int kSize = 256;
  uint8_t ql[kSize / 2];
  uint8_t qh[kSize / 4];
  int8_t scales[kSize / 16];
  f16 d;
};
static_assert(sizeof(BlockQ6_K) == 210);

// 256 finite values, to the block with about the least sum of squared errors. Not ggml's bits: its own search weighs
// large values more and stops at the first scales, which leaves a larger error.
void encode(const float* x, BlockQ4_K* block) noexcept;
void encode(const float* x, BlockQ5_K* block) noexcept;
void encode(const float* x, BlockQ6_K* block) noexcept;

// `count` <= 256 values, the rest zeros, as blocks of 32 are encoded.
template <class Block>
requires(Block::kSize == 256) void encode(const float* x, int count, Block* block) noexcept {
  float whole[Block::kSize] = {};
  std::copy_n(x, count, whole);
  encode(whole, block);
}

// The unsigned number q of weight k.
int code(const BlockQ4_K& block, int k) noexcept;
int code(const BlockQ5_K& block, int k) noexcept;
int code(const BlockQ6_K& block, int k) noexcept;

void decode(const BlockQ4_K& block, float* out) noexcept;  // 256 values
void decode(const BlockQ5_K& block, float* out) noexcept;
void decode(const BlockQ6_K& block, float* out) noexcept;

}  // namespace lathe
