#include "quant/k_quants.h"

namespace lathe {
namespace {

template <class Block>
void decode_with_minima(const Block& block, float* out) noexcept {
  const float d = to_float(block.d), dmin = to_float(block.dmin);
  for (int b = 0; b < 8; ++b) {
    const float scale = d * static_cast<float>(block.scales.scale(b));
    const float minimum = dmin * static_cast<float>(block.scales.minimum(b));
    for (int k = 32 * b; k < 32 * b + 32; ++k) out[k] = scale * static_cast<float>(code(block, k)) - minimum;
  }
}

}  // namespace

int code(const BlockQ4_K& block, int k) noexcept { return block.qs[k / 64 * 32 + k % 32] >> (k / 32 % 2 * 4) & 15; }

int code(const BlockQ5_K& block, int k) noexcept {
  return (block.qs[k / 64 * 32 + k % 32] >> (k / 32 % 2 * 4) & 15) | (block.qh[k % 32] >> (k / 32) & 1) << 4;
}

int code(const BlockQ6_K& block, int k) noexcept {
  const int half = k / 128, g = k / 32 % 4, i = k % 32;
  const int low = block.ql[64 * half + 32 * (g % 2) + i] >> (4 * (g / 2)) & 15;
  return low | (block.qh[32 * half + i] >> (2 * g) & 3) << 4;
}

void decode(const BlockQ4_K& block, float* out) noexcept { decode_with_minima(block, out); }
void decode(const BlockQ5_K& block, float* out) noexcept { decode_with_minima(block, out); }

void decode(const BlockQ6_K& block, float* out) noexcept {
  const float d = to_float(block.d);
  for (int b = 0; b < 16; ++b) {
    const float scale = d * static_cast<float>(block.scales[b]);
    for (int k = 16 * b; k < 16 * b + 16; ++k) out[k] = scale * static_cast<float>(code(block, k) - 32);
  }
}

}  // namespace lathe
