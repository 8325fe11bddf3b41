#include "quant/k_quants.h"

namespace lathe {

void decode(const BlockQ4_K& block, float* out) noexcept {
  const float d = to_float(block.d), dmin = to_float(block.dmin);
  for (int j = 0; j < 8; ++j) {
    const float scale = d * static_cast<float>(block.scales.scale(j));
    const float minimum = dmin * static_cast<float>(block.scales.minimum(j));
    const uint8_t* qs = block.qs + 32 * (j / 2);
    for (int i = 0; i < 32; ++i) {
      const int nibble = qs[i] >> (4 * (j % 2)) & 15;
      *out++ = scale * static_cast<float>(nibble) - minimum;
    }
  }
}

void decode(const BlockQ5_K& block, float* out) noexcept {
  const float d = to_float(block.d), dmin = to_float(block.dmin);
  for (int j = 0; j < 8; ++j) {
    const float scale = d * static_cast<float>(block.scales.scale(j));
    const float minimum = dmin * static_cast<float>(block.scales.minimum(j));
    const uint8_t* qs = block.qs + 32 * (j / 2);
    for (int i = 0; i < 32; ++i) {
      const int q = (qs[i] >> (4 * (j % 2)) & 15) | (block.qh[i] >> j & 1) << 4;
      *out++ = scale * static_cast<float>(q) - minimum;
    }
  }
}

void decode(const BlockQ6_K& block, float* out) noexcept {
  const float d = to_float(block.d);
  for (int half = 0; half < 2; ++half) {
    const uint8_t* ql = block.ql + 64 * half;
    const uint8_t* qh = block.qh + 32 * half;
    const int8_t* scales = block.scales + 8 * half;
    for (int g = 0; g < 4; ++g) {
      for (int i = 0; i < 32; ++i) {
        const int low = ql[32 * (g % 2) + i] >> (4 * (g / 2)) & 15;
        const int q = (low | (qh[i] >> (2 * g) & 3) << 4) - 32;
        *out++ = d * static_cast<float>(scales[2 * g + i / 16]) * static_cast<float>(q);
      }
    }
  }
}

}  // namespace lathe
