// Block formats as plain structs, with scalar encode and decode as their definition (GGUF's, from ggml-quants.c).
#pragma once

#include <cstdint>

#include "base/types.h"

namespace lathe {

// 32 weights: value = d * qs[i].
struct BlockQ8_0 {
  static constexpr int kSize = 32;
  f16 d;
  int8_t qs[kSize];
};
static_assert(sizeof(BlockQ8_0) == 34);

// 32 weights: value = d * (nibble - 8); element i < 16 is the low nibble of qs[i], element i + 16 the high one.
struct BlockQ4_0 {
  static constexpr int kSize = 32;
  f16 d;
  uint8_t qs[kSize / 2];
};
static_assert(sizeof(BlockQ4_0) == 18);

// What a K-quant file falls back to where a row is no multiple of 256 (all of a model that is 384 wide). Element
// i < 16 is the low nibble of qs[i] and bit i of qh, element i + 16 the high nibble and bit i + 16.
struct BlockQ4_1 {  // value = d * nibble + m
  static constexpr int kSize = 32;
  f16 d, m;
  uint8_t qs[kSize / 2];
};
static_assert(sizeof(BlockQ4_1) == 20);

struct BlockQ5_0 {  // value = d * (nibble + 16 * bit - 16)
  static constexpr int kSize = 32;
  f16 d;
  uint8_t qh[4];  // little-endian
  uint8_t qs[kSize / 2];
};
static_assert(sizeof(BlockQ5_0) == 22);

struct BlockQ5_1 {  // value = d * (nibble + 16 * bit) + m
  static constexpr int kSize = 32;
  f16 d, m;
  uint8_t qh[4];
  uint8_t qs[kSize / 2];
};
static_assert(sizeof(BlockQ5_1) == 24);

// `count` <= 32 finite values from x; the rest of the block is zero, or what comes nearest. The bits are those of ggml's
// reference quantiser.
void encode(const float* x, int count, BlockQ8_0* block) noexcept;
void encode(const float* x, int count, BlockQ4_0* block) noexcept;
void encode(const float* x, int count, BlockQ4_1* block) noexcept;
void encode(const float* x, int count, BlockQ5_0* block) noexcept;
void encode(const float* x, int count, BlockQ5_1* block) noexcept;
void decode(const BlockQ8_0& block, float* out) noexcept;  // 32 values
void decode(const BlockQ4_0& block, float* out) noexcept;
void decode(const BlockQ4_1& block, float* out) noexcept;
void decode(const BlockQ5_0& block, float* out) noexcept;
void decode(const BlockQ5_1& block, float* out) noexcept;

}  // namespace lathe
