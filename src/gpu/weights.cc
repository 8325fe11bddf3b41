#include "gpu/weights.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/checked.h"
#include "quant/blocks.h"

namespace lathe::gpu {
namespace {

constexpr int64_t kBlock = BlockQ8_0::kSize;
static_assert(BlockQ4_0::kSize == kBlock);

struct Packer {
  WeightLayout layout;
  PackedSize size;
  std::byte* to;

  std::byte* unit(int64_t column, int64_t i) const {
    const int64_t at = layout == WeightLayout::rows ? column * size.units + i
                                                    : (column / kPanel * size.units + i) * kPanel + column % kPanel;
    return to + at * kUnitBytes;
  }
  void put_scale(int64_t column, int64_t block, f16 scale) const {
    const int64_t at = layout == WeightLayout::rows
                           ? column * size.scales + block
                           : (column / kPanel * size.scales + block) * kPanel + column % kPanel;
    std::memcpy(to + size.scales_at + at * 2, &scale, 2);
  }
};

void pack_values(const Packer& packer, int64_t column, const std::byte* from, int64_t bytes) {
  for (int64_t at = 0; at < bytes; at += kUnitBytes)
    std::memcpy(packer.unit(column, at / kUnitBytes), from + at, static_cast<size_t>(std::min(kUnitBytes, bytes - at)));
}

template <class Block>
void pack_blocks(const Packer& packer, int64_t column, const std::byte* from, int64_t blocks) {
  constexpr int64_t kUnits = static_cast<int64_t>(sizeof(Block::qs)) / kUnitBytes;
  for (int64_t b = 0; b < blocks; ++b) {
    Block block;
    std::memcpy(&block, from + b * static_cast<int64_t>(sizeof block), sizeof block);
    const auto* codes = reinterpret_cast<const std::byte*>(block.qs);
    for (int64_t u = 0; u < kUnits; ++u)
      std::memcpy(packer.unit(column, b * kUnits + u), codes + u * kUnitBytes, kUnitBytes);
    packer.put_scale(column, b, block.d);
  }
}

}  // namespace

std::string_view type_name(WeightType type) {
  constexpr std::string_view kNames[] = {"f32", "f16", "q8_0", "q4_0"};
  return kNames[static_cast<size_t>(type)];
}

std::string_view layout_name(WeightLayout layout) { return layout == WeightLayout::rows ? "rows" : "panels"; }

Result<PackedSize> packed_size(WeightType type, WeightLayout layout, int64_t columns, int64_t k) {
  const std::string what =
      "weights of " + std::to_string(columns) + " columns of " + std::to_string(k) + " " + std::string(type_name(type));
  if (columns < 1 || k < 1) return invalid_argument(what + ", needed: at least 1 of each");
  // Shaders count units and columns in 32 bits.
  if (columns > INT32_MAX || k > INT32_MAX) return invalid_argument(what + ", needed: at most 2147483647 of each");
  PackedSize size;
  const int64_t blocks = is_quantised(type) ? ceil_div(k, kBlock) : 0;
  size.units = is_quantised(type) ? blocks * (kBlock / k_of_unit(type)) : ceil_div(k, k_of_unit(type));
  size.scales = round_up(blocks, 2);
  const int64_t held = layout == WeightLayout::rows ? columns : round_up(columns, kPanel);
  const auto units = checked_mul(held, size.units), scales = checked_mul(held, size.scales);
  if (!units || !scales || *units > UINT32_MAX || *scales > UINT32_MAX)
    return invalid_argument(what + ", needed: at most 4294967295 units of 16 bytes");
  size.scales_at = *units * kUnitBytes;
  size.bytes = size.scales_at + *scales * 2;
  return size;
}

int64_t source_column_bytes(WeightType type, int64_t k) {
  switch (type) {
    case WeightType::f32:
      return k * 4;
    case WeightType::f16:
      return k * 2;
    case WeightType::q8_0:
      return ceil_div(k, kBlock) * static_cast<int64_t>(sizeof(BlockQ8_0));
    case WeightType::q4_0:
      return ceil_div(k, kBlock) * static_cast<int64_t>(sizeof(BlockQ4_0));
  }
  return 0;
}

Status pack_weights(WeightType type, WeightLayout layout, int64_t columns, int64_t k, std::span<const std::byte> from,
                    std::span<std::byte> to) {
  const auto size = packed_size(type, layout, columns, k);
  if (!size) return size.status();
  const int64_t column_bytes = source_column_bytes(type, k);
  if (static_cast<int64_t>(from.size()) != columns * column_bytes || static_cast<int64_t>(to.size()) != size->bytes)
    return invalid_argument("packing " + std::to_string(from.size()) + " bytes of weights into " +
                            std::to_string(to.size()) + ", needed: " + std::to_string(columns * column_bytes) +
                            " into " + std::to_string(size->bytes));
  std::fill(to.begin(), to.end(), std::byte{0});
  const Packer packer{layout, *size, to.data()};
  for (int64_t column = 0; column < columns; ++column) {
    const std::byte* source = from.data() + column * column_bytes;
    if (type == WeightType::q8_0)
      pack_blocks<BlockQ8_0>(packer, column, source, ceil_div(k, kBlock));
    else if (type == WeightType::q4_0)
      pack_blocks<BlockQ4_0>(packer, column, source, ceil_div(k, kBlock));
    else
      pack_values(packer, column, source, column_bytes);
  }
  return {};
}

}  // namespace lathe::gpu
