#include "kernels/matmul/pack_codes.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "quant/blocks.h"
#include "quant/k_quants.h"

namespace lathe::matmul {
namespace {

constexpr int64_t kRow = 4 * kPanel;               // bytes of a row [16][4]
constexpr int64_t kNibbles = kBlock / 2 * kPanel;  // bytes of the nibbles of a block of 32 k
constexpr int64_t kHalves = kPanel * sizeof(f16);  // bytes of an f16 for every column
// Bytes of a block of 32 k within a record: nibbles, rows of higher bits, two rows of scales (codes.inl.h).
constexpr int64_t kStepQ4K = kNibbles + 2 * kPanel;
constexpr int64_t kStepQ5K = kNibbles + kRow + 2 * kPanel;
constexpr int64_t kStepQ6K = kNibbles + 2 * kRow + 2 * kPanel;

// Byte t of column j in row g.
std::byte& at(std::byte* rows, int64_t g, int64_t j, int64_t t) { return rows[g * kRow + 4 * j + t]; }
void add_bits(std::byte& byte, int bits) { byte |= static_cast<std::byte>(bits); }

// The lower four bits of the 32 codes of a block, and behind them the others where they have more.
template <int kHighBits, class Code>
void put_codes(std::byte* block, int64_t j, const Code& code) {
  std::byte* high = block + kNibbles;
  for (int k = 0; k < kBlock; ++k) {
    const int value = code(k), quad = k / 4;
    add_bits(at(block, quad / 2, j, k % 4), (value & 15) << (quad % 2 * 4));
    if constexpr (kHighBits == 1) add_bits(at(high, 0, j, k % 4), (value >> 4) << quad);
    if constexpr (kHighBits == 2) add_bits(at(high, quad / 4, j, k % 4), (value >> 4) << (quad % 4 * 2));
  }
}

void put(std::byte* halves, int64_t j, f16 x) {
  std::memcpy(halves + j * static_cast<int64_t>(sizeof x), &x, sizeof x);
}

void put(const BlockQ4_0& block, int64_t j, std::byte* record) {
  put_codes<0>(record, j, [&](int k) { return block.qs[k % 16] >> (k / 16 * 4) & 15; });
  put(record + kNibbles, j, block.d);
}

void put(const BlockQ4_1& block, int64_t j, std::byte* record) {
  put_codes<0>(record, j, [&](int k) { return block.qs[k % 16] >> (k / 16 * 4) & 15; });
  put(record + kNibbles, j, block.d);
  put(record + kNibbles + kHalves, j, block.m);
}

// d and dmin, and eight blocks of `step` bytes with scale and minimum at their ends.
template <int kHighBits, class Block>
void put_super(const Block& block, int64_t j, int64_t step, std::byte* record) {
  put(record, j, block.d);
  put(record + kHalves, j, block.dmin);
  std::byte* to = record + 2 * kHalves;
  for (int b = 0; b < 8; ++b, to += step) {
    put_codes<kHighBits>(to, j, [&](int k) { return code(block, 32 * b + k); });
    std::byte* scales = to + step - 2 * kPanel;
    scales[j] = static_cast<std::byte>(block.scales.scale(b));
    scales[kPanel + j] = static_cast<std::byte>(block.scales.minimum(b));
  }
}

void put(const BlockQ4_K& block, int64_t j, std::byte* record) { put_super<0>(block, j, kStepQ4K, record); }

void put(const BlockQ5_K& block, int64_t j, std::byte* record) { put_super<1>(block, j, kStepQ5K, record); }

void put(const BlockQ6_K& block, int64_t j, std::byte* record) {
  put(record, j, block.d);
  std::byte* to = record + kHalves;
  for (int b = 0; b < 8; ++b, to += kStepQ6K) {
    put_codes<2>(to, j, [&](int k) { return code(block, 32 * b + k); });
    std::byte* scales = to + kStepQ6K - 2 * kPanel;
    for (int half = 0; half < 2; ++half) scales[half * kPanel + j] = static_cast<std::byte>(block.scales[2 * b + half]);
  }
}

template <class Block>
constexpr Type kTypeOf = Type::f32;
template <>
constexpr Type kTypeOf<BlockQ4_0> = Type::q4_0;
template <>
constexpr Type kTypeOf<BlockQ4_1> = Type::q4_1;
template <>
constexpr Type kTypeOf<BlockQ4_K> = Type::q4_k;
template <>
constexpr Type kTypeOf<BlockQ5_K> = Type::q5_k;
template <>
constexpr Type kTypeOf<BlockQ6_K> = Type::q6_k;

// Block `b` of a column, as it lies or quantised.
template <class Block>
Block block_of(const Source& s, int64_t k, int64_t column, int64_t b) {
  const int64_t blocks = ceil_div(k, Block::kSize);
  if (s.type == kTypeOf<Block>) return static_cast<const Block*>(s.data)[column * blocks + b];
  float values[Block::kSize];
  for (int64_t i = 0; i < Block::kSize; i += kBlock) read_block(s, k, column, b * Block::kSize + i, values + i);
  Block block;
  encode(values, Block::kSize, &block);
  return block;
}

template <class Block>
void pack(const Source& s, int64_t n, int64_t k, int64_t first, int64_t record, std::byte* out) {
  for (int64_t b = 0; b < ceil_div(k, Block::kSize); ++b, out += record)
    for (int64_t j = 0; j < std::min<int64_t>(kPanel, n - first); ++j) put(block_of<Block>(s, k, first + j, b), j, out);
}

struct Record {
  int64_t k, bytes;
};
Record record_of(Layout layout) {
  switch (layout) {
    case Layout::panel_q4m:
      return {kBlock, kNibbles + 2 * kHalves};
    case Layout::panel_q4k:
      return {256, 2 * kHalves + 8 * kStepQ4K};
    case Layout::panel_q5k:
      return {256, 2 * kHalves + 8 * kStepQ5K};
    case Layout::panel_q6k:
      return {256, kHalves + 8 * kStepQ6K};
    default:
      return {kBlock, kNibbles + kHalves};
  }
}

}  // namespace

int64_t codes_panel_bytes(Layout layout, int64_t k) {
  const Record record = record_of(layout);
  return ceil_div(k, record.k) * record.bytes;
}

void pack_codes(Layout layout, const Source& source, int64_t n, int64_t k, int64_t first, std::byte* out) noexcept {
  const int64_t record = record_of(layout).bytes;
  switch (layout) {
    case Layout::panel_q4m:
      return pack<BlockQ4_1>(source, n, k, first, record, out);
    case Layout::panel_q4k:
      return pack<BlockQ4_K>(source, n, k, first, record, out);
    case Layout::panel_q5k:
      return pack<BlockQ5_K>(source, n, k, first, record, out);
    case Layout::panel_q6k:
      return pack<BlockQ6_K>(source, n, k, first, record, out);
    default:
      return pack<BlockQ4_0>(source, n, k, first, record, out);
  }
}

}  // namespace lathe::matmul
