#include "gpu/weights.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "quant/blocks.h"

namespace lathe::gpu {
namespace {

// Bytes that say where they come from: column, and place in it.
std::vector<std::byte> numbered(WeightType type, int64_t columns, int64_t k) {
  const int64_t bytes = source_column_bytes(type, k);
  std::vector<std::byte> from(static_cast<size_t>(columns * bytes));
  for (int64_t c = 0; c < columns; ++c)
    for (int64_t i = 0; i < bytes; ++i)
      from[static_cast<size_t>(c * bytes + i)] = static_cast<std::byte>(1 + (c * 37 + i * 11) % 250);
  return from;
}

struct Packed {
  PackedSize size;
  std::vector<std::byte> bytes;
};
Packed pack(WeightType type, WeightLayout layout, int64_t columns, int64_t k, const std::vector<std::byte>& from) {
  Packed packed;
  const auto size = packed_size(type, layout, columns, k);
  EXPECT_TRUE(size.ok()) << size.status().message();
  packed.size = *size;
  packed.bytes.resize(static_cast<size_t>(size->bytes), std::byte{0xee});
  const Status s = pack_weights(type, layout, columns, k, from, packed.bytes);
  EXPECT_TRUE(s.ok()) << s.message();
  return packed;
}

TEST(Weights, UnitsOfAColumnFollowEachOtherAndTheRestIsZero) {
  const auto from = numbered(WeightType::f32, 3, 5);
  const Packed p = pack(WeightType::f32, WeightLayout::rows, 3, 5, from);
  EXPECT_EQ(p.size.units, 2);
  EXPECT_EQ(p.size.scales, 0);
  EXPECT_EQ(p.size.bytes, 3 * 32);
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_EQ(std::memcmp(&p.bytes[c * 32], &from[c * 20], 20), 0);
    for (size_t i = 20; i < 32; ++i) EXPECT_EQ(p.bytes[c * 32 + i], std::byte{0});
  }
}

TEST(Weights, APanelHasItsColumnsSideBySide) {
  const auto from = numbered(WeightType::f16, 33, 16);
  const Packed p = pack(WeightType::f16, WeightLayout::panels, 33, 16, from);
  EXPECT_EQ(p.size.units, 2);
  EXPECT_EQ(p.size.bytes, 2 * 2 * 32 * 16);
  for (size_t c = 0; c < 33; ++c)
    for (size_t u = 0; u < 2; ++u)
      EXPECT_EQ(std::memcmp(&p.bytes[((c / 32 * 2 + u) * 32 + c % 32) * 16], &from[c * 32 + u * 16], 16), 0);
  EXPECT_EQ(p.bytes[((2 + 0) * 32 + 1) * 16], std::byte{0});  // column 33
}

template <class Block>
void expect_codes_apart(WeightType type, int64_t units_of_block) {
  constexpr int64_t kColumns = 34, kBlocks = 3;
  for (const WeightLayout layout : {WeightLayout::rows, WeightLayout::panels}) {
    const auto from = numbered(type, kColumns, kBlocks * 32 - 7);
    const Packed p = pack(type, layout, kColumns, kBlocks * 32 - 7, from);
    EXPECT_EQ(p.size.units, kBlocks * units_of_block);
    EXPECT_EQ(p.size.scales, 4);
    const bool rows = layout == WeightLayout::rows;
    for (int64_t c = 0; c < kColumns; ++c)
      for (int64_t b = 0; b < kBlocks; ++b) {
        Block block;
        std::memcpy(&block, &from[static_cast<size_t>((c * kBlocks + b) * static_cast<int64_t>(sizeof block))],
                    sizeof block);
        for (int64_t u = 0; u < units_of_block; ++u) {
          const int64_t i = b * units_of_block + u;
          const int64_t at = rows ? c * p.size.units + i : (c / 32 * p.size.units + i) * 32 + c % 32;
          EXPECT_EQ(std::memcmp(&p.bytes[static_cast<size_t>(at * 16)], block.qs + u * 16, 16), 0);
        }
        const int64_t at = rows ? c * 4 + b : (c / 32 * 4 + b) * 32 + c % 32;
        EXPECT_EQ(std::memcmp(&p.bytes[static_cast<size_t>(p.size.scales_at + at * 2)], &block.d, 2), 0);
      }
  }
}

TEST(Weights, CodesAndScalesLieApart) {
  expect_codes_apart<BlockQ8_0>(WeightType::q8_0, 2);
  expect_codes_apart<BlockQ4_0>(WeightType::q4_0, 1);
}

TEST(Weights, SizesThatAreWrongAreErrors) {
  EXPECT_FALSE(packed_size(WeightType::f32, WeightLayout::rows, 0, 1).ok());
  EXPECT_FALSE(packed_size(WeightType::f32, WeightLayout::rows, 1, 0).ok());
  EXPECT_FALSE(packed_size(WeightType::f32, WeightLayout::panels, INT64_MAX, 4).ok());
  EXPECT_FALSE(packed_size(WeightType::q8_0, WeightLayout::panels, INT32_MAX, INT32_MAX).ok());
  std::vector<std::byte> from(64), to(64);
  const Status s = pack_weights(WeightType::f32, WeightLayout::rows, 4, 4, std::span(from).first(60), to);
  EXPECT_EQ(s.code(), Code::invalid_argument);
  EXPECT_NE(s.message().find("60 bytes"), std::string::npos) << s.message();
  EXPECT_FALSE(pack_weights(WeightType::f32, WeightLayout::rows, 4, 4, from, std::span(to).first(48)).ok());
}

}  // namespace
}  // namespace lathe::gpu
