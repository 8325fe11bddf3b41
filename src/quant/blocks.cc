#include "quant/blocks.h"

#include <algorithm>
#include <cmath>

#include "quant/extreme.h"

namespace lathe {
namespace {

// Element i of 32 five-bit numbers.
int five_bits(const uint8_t* qs, const uint8_t* qh, int i) {
  const int nibble = i < 16 ? qs[i] & 15 : qs[i - 16] >> 4;
  return nibble | (qh[i / 8] >> (i % 8) & 1) << 4;
}

void set_five_bits(uint8_t* qs, uint8_t* qh, int i, int q) {
  qs[i % 16] = static_cast<uint8_t>(qs[i % 16] | (q & 15) << (i < 16 ? 0 : 4));
  qh[i / 8] = static_cast<uint8_t>(qh[i / 8] | (q >> 4) << (i % 8));
}

// 0 where there is no such number: a block of zeros, or of values so small that they are zeros in f16.
float inverse_of(float d) {
  const float inverse = 1.0f / d;
  return std::isfinite(inverse) ? inverse : 0.0f;
}

struct Bounds {
  float least, most;
};
Bounds bounds_of(const float* x, int count) {
  const auto [least, most] = std::minmax_element(x, x + count);
  return count > 0 ? Bounds{*least, *most} : Bounds{0, 0};
}

// x in steps from 0 to `most`, halves upwards.
int level(float x, int most) { return static_cast<int>(std::clamp(x, 0.0f, static_cast<float>(most))); }

}  // namespace

void encode(const float* x, int count, BlockQ8_0* block) noexcept {
  const float d = std::fabs(extreme_of(x, count)) / 127.0f;
  const float inverse = inverse_of(d);
  block->d = to_f16(d);
  for (int i = 0; i < BlockQ8_0::kSize; ++i)
    block->qs[i] = i < count ? static_cast<int8_t>(std::clamp(std::round(x[i] * inverse), -127.0f, 127.0f)) : int8_t{0};
}

void encode(const float* x, int count, BlockQ4_0* block) noexcept {
  const float d = extreme_of(x, count) / -8.0f;  // the extreme becomes nibble 0, that is -8 * d
  const float inverse = inverse_of(d);
  block->d = to_f16(d);
  const auto nibble = [&](int i) { return i < count ? level(x[i] * inverse + 8.5f, 15) : 8; };
  for (int i = 0; i < BlockQ4_0::kSize / 2; ++i)
    block->qs[i] = static_cast<uint8_t>(nibble(i) | nibble(i + BlockQ4_0::kSize / 2) << 4);
}

void encode(const float* x, int count, BlockQ4_1* block) noexcept {
  const Bounds bounds = bounds_of(x, count);
  const float d = (bounds.most - bounds.least) / 15.0f;
  const float inverse = inverse_of(d);
  block->d = to_f16(d);
  block->m = to_f16(bounds.least);
  const auto nibble = [&](int i) {
    const float value = i < count ? x[i] : 0.0f;
    return level((value - bounds.least) * inverse + 0.5f, 15);
  };
  for (int i = 0; i < BlockQ4_1::kSize / 2; ++i)
    block->qs[i] = static_cast<uint8_t>(nibble(i) | nibble(i + BlockQ4_1::kSize / 2) << 4);
}

void encode(const float* x, int count, BlockQ5_0* block) noexcept {
  const float d = extreme_of(x, count) / -16.0f;
  const float inverse = inverse_of(d);
  *block = {.d = to_f16(d), .qh = {}, .qs = {}};
  for (int i = 0; i < BlockQ5_0::kSize; ++i)
    set_five_bits(block->qs, block->qh, i, i < count ? level(x[i] * inverse + 16.5f, 31) : 16);
}

void encode(const float* x, int count, BlockQ5_1* block) noexcept {
  const Bounds bounds = bounds_of(x, count);
  const float d = (bounds.most - bounds.least) / 31.0f;
  const float inverse = inverse_of(d);
  *block = {.d = to_f16(d), .m = to_f16(bounds.least), .qh = {}, .qs = {}};
  for (int i = 0; i < BlockQ5_1::kSize; ++i) {
    const float value = i < count ? x[i] : 0.0f;
    set_five_bits(block->qs, block->qh, i, level((value - bounds.least) * inverse + 0.5f, 31));
  }
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
