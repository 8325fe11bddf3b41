#include "kernels/matmul/layout.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/bf16_rows.h"
#include "base/checked.h"
#include "kernels/matmul/pack_codes.h"
#include "quant/blocks.h"
#include "quant/k_quants.h"

namespace lathe::matmul {
namespace {

int64_t blocks_of(int64_t k) { return ceil_div(k, kBlock); }

}  // namespace

void read_block(const Source& s, int64_t k, int64_t column, int64_t k0, float* out) {
  const int64_t count = std::min<int64_t>(kBlock, k - k0);
  std::fill_n(out, kBlock, 0.0f);
  if (s.type == Type::q8_0 || s.type == Type::q8_a7)
    return decode(static_cast<const BlockQ8_0*>(s.data)[column * blocks_of(k) + k0 / kBlock], out);
  if (s.type == Type::q4_0)
    return decode(static_cast<const BlockQ4_0*>(s.data)[column * blocks_of(k) + k0 / kBlock], out);
  if (s.type == Type::q4_1)
    return decode(static_cast<const BlockQ4_1*>(s.data)[column * blocks_of(k) + k0 / kBlock], out);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = s.order == Order::nk ? column * s.ld + k0 + i : (k0 + i) * s.ld + column;
    switch (s.type) {
      case Type::bf16:
      case Type::bf16_b16:
      case Type::bf16_d16:
        out[i] = to_float(static_cast<const bf16*>(s.data)[at]);
        break;
      case Type::f16:
        out[i] = to_float(static_cast<const f16*>(s.data)[at]);
        break;
      case Type::s8:
        out[i] = static_cast<const int8_t*>(s.data)[at];
        break;
      case Type::i8:
        out[i] = static_cast<const int8_t*>(s.data)[at] * s.scale[column];
        break;
      default:
        out[i] = static_cast<const float*>(s.data)[at];
        break;
    }
  }
}

namespace {

template <class T, class Convert>
void pack_float(const Source& s, int64_t n, int64_t k, int64_t first, T* out, Convert convert) {
  float block[kBlock];
  for (int64_t j = 0; j < kPanel && first + j < n; ++j)
    for (int64_t k0 = 0; k0 < k; k0 += kBlock) {
      read_block(s, k, first + j, k0, block);
      for (int64_t i = 0; i < kBlock && k0 + i < k; ++i) out[(k0 + i) * kPanel + j] = convert(block[i]);
    }
}

// A packed f32 panel is a plain copy; both orders have a loop that reads memory in order.
void pack_f32_direct(const Source& s, int64_t n, int64_t k, int64_t first, float* out) {
  const float* w = static_cast<const float*>(s.data);
  const int64_t columns = std::min<int64_t>(kPanel, n - first);
  if (s.order == Order::kn) {
    for (int64_t i = 0; i < k; ++i) std::copy_n(w + i * s.ld + first, columns, out + i * kPanel);
    return;
  }
  // 16 x 16 squares: 16 streams of one cache line each, so a line is used whole before it leaves the cache.
  for (int64_t k0 = 0; k0 < k; k0 += kPanel)
    for (int64_t j = 0; j < columns; ++j)
      for (int64_t i = k0; i < std::min(k0 + kPanel, k); ++i) out[i * kPanel + j] = w[(first + j) * s.ld + i];
}

// Two neighbours of k as one word, the first one low.
uint32_t pair_b16(float first, float second) { return rounded_bf16(first) | uint32_t{rounded_bf16(second)} << 16; }

// kPanel columns of 2 * kB16Pairs k of an [N,K] weight, which is turned in the first-level cache.
constexpr int kB16Pairs = 16;
void pack_square_b16(const float* w, int64_t ld, uint32_t* out) {
  uint32_t words[kPanel][kB16Pairs];
  for (int64_t j = 0; j < kPanel; ++j)
    for (int64_t i = 0; i < kB16Pairs; ++i) words[j][i] = pair_b16(w[j * ld + 2 * i], w[j * ld + 2 * i + 1]);
  for (int64_t i = 0; i < kB16Pairs; ++i)
    for (int64_t j = 0; j < kPanel; ++j) out[i * kPanel + j] = words[j][i];
}

// A training step packs all of its weights: whole panels of f32 have loops of their own. Returns the k, of whole
// blocks, behind those that are packed.
int64_t pack_whole_b16(const Source& s, int64_t k, int64_t first, uint32_t* out) {
  const float* w = static_cast<const float*>(s.data);
  int64_t k0 = 0;
  if (s.order == Order::nk) {
    for (; k0 + 2 * kB16Pairs <= k; k0 += 2 * kB16Pairs)
      pack_square_b16(w + first * s.ld + k0, s.ld, out + k0 / 2 * kPanel);
    return k0;
  }
  for (; k0 + 2 <= k; k0 += 2) {
    const float *low = w + k0 * s.ld + first, *high = low + s.ld;
    for (int64_t j = 0; j < kPanel; ++j) out[k0 / 2 * kPanel + j] = pair_b16(low[j], high[j]);
  }
  return k0 / kBlock * kBlock;
}

void pack_b16(const Source& s, int64_t n, int64_t k, int64_t first, uint32_t* out) {
  const int64_t columns = std::min<int64_t>(kPanel, n - first);
  const int64_t begin = s.type == Type::f32 && columns == kPanel ? pack_whole_b16(s, k, first, out) : 0;
  float block[kBlock];
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t k0 = begin; k0 < k; k0 += kBlock) {
      read_block(s, k, first + j, k0, block);
      for (int64_t i = 0; i < kBlock; i += 2) out[(k0 + i) / 2 * kPanel + j] = pair_b16(block[i], block[i + 1]);
    }
}

// `sums`: those of panel_q8s, [K/32][16], or nullptr.
void pack_q8(const Source& s, int64_t n, int64_t k, int64_t first, std::byte* out, int16_t* sums) {
  int8_t* q = reinterpret_cast<int8_t*>(out);
  f16* scale = reinterpret_cast<f16*>(out + blocks_of(k) * kBlock * kPanel);
  float values[kBlock];
  for (int64_t j = 0; j < kPanel && first + j < n; ++j)
    for (int64_t b = 0; b < blocks_of(k); ++b) {
      BlockQ8_0 block;
      if (s.type == Type::q8_0 || s.type == Type::q8_a7) {
        block = static_cast<const BlockQ8_0*>(s.data)[(first + j) * blocks_of(k) + b];
      } else {
        read_block(s, k, first + j, b * kBlock, values);
        encode(values, kBlock, &block);
      }
      for (int i = 0; i < kBlock; ++i) q[((b * 8 + i / 4) * kPanel + j) * 4 + i % 4] = block.qs[i];
      scale[b * kPanel + j] = block.d;
      if (sums != nullptr)  // 32 of 128 at most: fits
        sums[b * kPanel + j] = static_cast<int16_t>(std::accumulate(block.qs, block.qs + kBlock, 0));
    }
}

// Signed bytes as they are, or a float weight quantised per column: scale = max|w| / 127.
void pack_i8(const Source& s, int64_t n, int64_t k, int64_t first, std::byte* out) {
  const int64_t padded = blocks_of(k) * kBlock;
  int8_t* q = reinterpret_cast<int8_t*>(out);
  float* scale = reinterpret_cast<float*>(out + padded * kPanel);
  int32_t* sum = reinterpret_cast<int32_t*>(out + padded * kPanel + 64);
  const bool bytes = s.type == Type::i8 || s.type == Type::s8;
  float values[kBlock];
  for (int64_t j = 0; j < kPanel && first + j < n; ++j) {
    const int64_t column = first + j;
    float top = 0;
    for (int64_t k0 = 0; !bytes && k0 < k; k0 += kBlock) {
      read_block(s, k, column, k0, values);
      for (const float v : values) top = std::max(top, std::fabs(v));
    }
    const float inverse = top > 0 ? 127.0f / top : 0.0f;
    scale[j] = s.type == Type::i8 && s.scale != nullptr ? s.scale[column] : bytes ? 1.0f : top / 127.0f;
    for (int64_t i = 0; i < k; ++i) {
      int8_t v;
      if (bytes) {
        v = static_cast<const int8_t*>(s.data)[s.order == Order::nk ? column * s.ld + i : i * s.ld + column];
      } else {
        if (i % kBlock == 0) read_block(s, k, column, i, values);
        v = static_cast<int8_t>(std::clamp(std::nearbyint(values[i % kBlock] * inverse), -127.0f, 127.0f));
      }
      q[(i / 4 * kPanel + j) * 4 + i % 4] = v;
      sum[j] += v;
    }
  }
}

}  // namespace

int64_t panel_bytes(Layout layout, int64_t k) {
  const int64_t blocks = blocks_of(k);
  int64_t bytes = 0;
  switch (layout) {
    case Layout::panel_f32:
      bytes = k * kPanel * 4;
      break;
    case Layout::panel_bf16:
    case Layout::panel_f16:
      bytes = k * kPanel * 2;
      break;
    case Layout::panel_b16:
      bytes = blocks * kBlock * kPanel * 2;
      break;
    case Layout::panel_q8:
      bytes = blocks * kPanel * (kBlock + 2);
      break;
    case Layout::panel_q8s:
      bytes = blocks * kPanel * (kBlock + 4);
      break;
    case Layout::panel_q4:
    case Layout::panel_q4m:
    case Layout::panel_q4k:
    case Layout::panel_q5k:
    case Layout::panel_q6k:
      bytes = codes_panel_bytes(layout, k);
      break;
    case Layout::panel_i8:
      bytes = blocks * kPanel * kBlock + 2 * 64;
      break;
    case Layout::rows_f32:
    case Layout::cols_f32:
      break;
  }
  return round_up(bytes, 64);
}

int64_t k_unit(Type type) {
  switch (type) {
    case Type::q4_k:
    case Type::q5_k:
    case Type::q6_k:
      return 256;
    case Type::q8_0:
    case Type::q8_a7:
    case Type::q4_0:
    case Type::q4_1:
      return kBlock;
    default:
      return 1;
  }
}

int64_t k_unit(Layout layout) {
  switch (layout) {
    case Layout::panel_q4k:
    case Layout::panel_q5k:
    case Layout::panel_q6k:
      return 256;
    default:
      return 1;
  }
}

int64_t source_row_bytes(Type type, int64_t k) {
  const auto blocks = [&](size_t bytes) { return ceil_div(k, k_unit(type)) * static_cast<int64_t>(bytes); };
  switch (type) {
    case Type::f32:
    case Type::s32:
      return k * 4;
    case Type::bf16:
    case Type::f16:
    case Type::bf16_b16:
    case Type::bf16_d16:
      return k * 2;
    case Type::i8:
    case Type::s8:
    case Type::u8:
      return k;
    case Type::q8_0:
    case Type::q8_a7:
      return blocks(sizeof(BlockQ8_0));
    case Type::q4_0:
      return blocks(sizeof(BlockQ4_0));
    case Type::q4_1:
      return blocks(sizeof(BlockQ4_1));
    case Type::q4_k:
      return blocks(sizeof(BlockQ4_K));
    case Type::q5_k:
      return blocks(sizeof(BlockQ5_K));
    case Type::q6_k:
      return blocks(sizeof(BlockQ6_K));
  }
  return 0;
}

Layout prepared_layout(Type type) {
  switch (type) {
    case Type::bf16:
      return Layout::panel_bf16;
    case Type::f16:
      return Layout::panel_f16;
    case Type::bf16_b16:
    case Type::bf16_d16:
      return Layout::panel_b16;
    case Type::q8_0:
      return Layout::panel_q8;
    case Type::q8_a7:
      return Layout::panel_q8s;
    case Type::q4_0:
      return Layout::panel_q4;
    case Type::q4_1:
      return Layout::panel_q4m;
    case Type::q4_k:
      return Layout::panel_q4k;
    case Type::q5_k:
      return Layout::panel_q5k;
    case Type::q6_k:
      return Layout::panel_q6k;
    case Type::i8:
    case Type::s8:
      return Layout::panel_i8;
    default:
      return Layout::panel_f32;
  }
}

void pack_panel(Layout layout, const Source& source, int64_t n, int64_t k, int64_t panel, std::byte* out) noexcept {
  std::memset(out, 0, static_cast<size_t>(panel_bytes(layout, k)));
  const int64_t first = panel * kPanel;
  switch (layout) {
    case Layout::panel_f32:
      if (source.type == Type::f32) return pack_f32_direct(source, n, k, first, reinterpret_cast<float*>(out));
      return pack_float(source, n, k, first, reinterpret_cast<float*>(out), [](float x) { return x; });
    case Layout::panel_bf16:
      return pack_float(source, n, k, first, reinterpret_cast<bf16*>(out), [](float x) { return to_bf16(x); });
    case Layout::panel_f16:
      return pack_float(source, n, k, first, reinterpret_cast<f16*>(out), [](float x) { return to_f16(x); });
    case Layout::panel_b16:
      return pack_b16(source, n, k, first, reinterpret_cast<uint32_t*>(out));
    case Layout::panel_q8:
      return pack_q8(source, n, k, first, out, nullptr);
    case Layout::panel_q8s:
      return pack_q8(source, n, k, first, out, reinterpret_cast<int16_t*>(out + blocks_of(k) * kPanel * (kBlock + 2)));
    case Layout::panel_q4:
    case Layout::panel_q4m:
    case Layout::panel_q4k:
    case Layout::panel_q5k:
    case Layout::panel_q6k:
      return pack_codes(layout, source, n, k, first, out);
    case Layout::panel_i8:
      return pack_i8(source, n, k, first, out);
    case Layout::rows_f32:
    case Layout::cols_f32:
      return;
  }
}

}  // namespace lathe::matmul
