#include "ops/weight_columns.h"

#include <cstring>

#include "base/checked.h"
#include "quant/blocks.h"

namespace lathe::ops {
namespace {

using matmul::kBlock;
using matmul::kPanel;
using matmul::Layout;

constexpr int64_t kHalf = sizeof(f16);

void read_values(const std::byte* panel, int64_t lane, int64_t k, int64_t bytes, std::byte* out) {
  for (int64_t i = 0; i < k; ++i)
    std::memcpy(out + i * bytes, panel + (i * kPanel + lane) * bytes, static_cast<size_t>(bytes));
}

template <class Block>
void put(const Block& block, int64_t b, std::byte* out) {
  std::memcpy(out + b * static_cast<int64_t>(sizeof block), &block, sizeof block);
}

// s8 [K/4][16][4], and behind them the scales of all blocks.
void read_q8(const std::byte* panel, int64_t lane, int64_t blocks, std::byte* out) {
  const std::byte* scales = panel + blocks * kBlock * kPanel;
  for (int64_t b = 0; b < blocks; ++b) {
    BlockQ8_0 block;
    for (int64_t quad = 0; quad < kBlock / 4; ++quad)
      std::memcpy(block.qs + 4 * quad, panel + ((b * kBlock / 4 + quad) * kPanel + lane) * 4, 4);
    std::memcpy(&block.d, scales + (b * kPanel + lane) * kHalf, sizeof block.d);
    put(block, b, out);
  }
}

// Records of a block of 32 k: u4 [4][16][4], then the scales.
void read_q4(const std::byte* panel, int64_t lane, int64_t blocks, std::byte* out) {
  constexpr int64_t kNibbles = kBlock / 2 * kPanel, kRecord = kNibbles + kPanel * kHalf;
  for (int64_t b = 0; b < blocks; ++b) {
    const std::byte* record = panel + b * kRecord;
    const auto code = [&](int64_t k) {
      const auto byte = std::to_integer<int>(record[(k / 8 * kPanel + lane) * 4 + k % 4]);
      return byte >> (k / 4 % 2 * 4) & 15;
    };
    BlockQ4_0 block;
    for (int64_t i = 0; i < kBlock / 2; ++i) block.qs[i] = static_cast<uint8_t>(code(i) | code(i + kBlock / 2) << 4);
    std::memcpy(&block.d, record + kNibbles + lane * kHalf, sizeof block.d);
    put(block, b, out);
  }
}

}  // namespace

std::optional<gpu::WeightType> device_type(Layout layout) {
  switch (layout) {
    case Layout::panel_f32:
      return gpu::WeightType::f32;
    case Layout::panel_f16:
      return gpu::WeightType::f16;
    case Layout::panel_q8:
      return gpu::WeightType::q8_0;
    case Layout::panel_q4:
      return gpu::WeightType::q4_0;
    default:
      return std::nullopt;
  }
}

void read_column(const Weights& weights, int64_t column, std::byte* out) {
  const int64_t n = weights.n(), k = weights.k(), blocks = ceil_div(k, kBlock);
  const bool up = column >= n;
  const int64_t j = up ? column - n : column;
  const int64_t panel = weights.gated() ? 2 * (j / kPanel) + (up ? 1 : 0) : j / kPanel;  // gate and up alternate
  const std::byte* from = weights.data() + panel * matmul::panel_bytes(weights.layout(), k);
  switch (weights.layout()) {
    case Layout::panel_q8:
      return read_q8(from, j % kPanel, blocks, out);
    case Layout::panel_q4:
      return read_q4(from, j % kPanel, blocks, out);
    case Layout::panel_f16:
      return read_values(from, j % kPanel, k, kHalf, out);
    default:
      return read_values(from, j % kPanel, k, sizeof(float), out);
  }
}

}  // namespace lathe::ops
