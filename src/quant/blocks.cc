#include "quant/blocks.h"

#include <algorithm>
#include <cmath>

namespace lathe {
namespace {

// Element i of 32 five-bit numbers.
int five_bits(const uint8_t* qs, const uint8_t* qh, int i) {
  const int nibble = i < 16 ? qs[i] & 15 : qs[i - 16] >> 4;
  return nibble | (qh[i / 8] >> (i % 8) & 1) << 4;
}

}  // namespace

void encode(const float* x, int count, BlockQ8_0* block) noexcept {
  float largest = 0;
  for (int i = 0; i < count; ++i) largest = std::max(largest, std::fabs(x[i]));
  const float d = largest / 127.0f;
  const float inverse = d != 0 ? 1.0f / d : 0.0f;
  block->d = to_f16(d);
  for (int i = 0; i < BlockQ8_0::kSize; ++i)
    block->qs[i] = i < count ? static_cast<int8_t>(std::clamp(std::round(x[i] * inverse), -127.0f, 127.0f)) : int8_t{0};
}

void encode(const float* x, int count, BlockQ4_0* block) noexcept {
  float extreme = 0;  // the value of the largest magnitude, with its sign: it becomes nibble 0, that is -8 * d
  for (int i = 0; i < count; ++i)
    if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
  const float d = extreme / -8.0f;
  const float inverse = d != 0 ? 1.0f / d : 0.0f;
  block->d = to_f16(d);
  const auto nibble = [&](int i) {
    if (i >= count) return 8;
    return static_cast<int>(std::clamp(x[i] * inverse + 8.5f, 0.0f, 15.0f));
  };
  for (int i = 0; i < BlockQ4_0::kSize / 2; ++i)
    block->qs[i] = static_cast<uint8_t>(nibble(i) | nibble(i + BlockQ4_0::kSize / 2) << 4);
}

void decode(const BlockQ8_0& block, float* out) noexcept {
  const float d = to_float(block.d);
  for (int i = 0; i < BlockQ8_0::kSize; ++i) out[i] = d * static_cast<float>(block.qs[i]);
}

void decode(const BlockQ4_0& block, float* out) noexcept {
  const float d = to_float(block.d);
  for (int i = 0; i < BlockQ4_0::kSize / 2; ++i) {
    out[i] = d * static_cast<float>((block.qs[i] & 15) - 8);
    out[i + BlockQ4_0::kSize / 2] = d * static_cast<float>((block.qs[i] >> 4) - 8);
  }
}

void decode(const BlockQ4_1& block, float* out) noexcept {
  const float d = to_float(block.d), m = to_float(block.m);
  for (int i = 0; i < BlockQ4_1::kSize / 2; ++i) {
    out[i] = d * static_cast<float>(block.qs[i] & 15) + m;
    out[i + BlockQ4_1::kSize / 2] = d * static_cast<float>(block.qs[i] >> 4) + m;
  }
}

void decode(const BlockQ5_0& block, float* out) noexcept {
  const float d = to_float(block.d);
  for (int i = 0; i < BlockQ5_0::kSize; ++i) out[i] = d * static_cast<float>(five_bits(block.qs, block.qh, i) - 16);
}

void decode(const BlockQ5_1& block, float* out) noexcept {
  const float d = to_float(block.d), m = to_float(block.m);
  for (int i = 0; i < BlockQ5_1::kSize; ++i) out[i] = d * static_cast<float>(five_bits(block.qs, block.qh, i)) + m;
}

}  // namespace lathe
