// What was packed for the CPU comes back as it was, byte by byte.
#include "ops/weight_columns.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace lathe::ops {
namespace {

struct Case {
  matmul::Type type;
  gpu::WeightType device;
  int64_t n, k;
  bool gated;
};

// Any bytes are weights: only the codes are looked at.
std::vector<std::byte> random_bytes(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(static_cast<size_t>(count));
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0x3f);  // no NaN: a copy may quieten one
  return bytes;
}

TEST(WeightColumns, AreTheBytesThatWerePacked) {
  using enum matmul::Type;
  for (const Case& c :
       {Case{f32, gpu::WeightType::f32, 37, 20, false}, Case{f32, gpu::WeightType::f32, 40, 36, true},
        Case{f16, gpu::WeightType::f16, 17, 24, false}, Case{f16, gpu::WeightType::f16, 33, 8, true},
        Case{q8_0, gpu::WeightType::q8_0, 50, 96, false}, Case{q8_0, gpu::WeightType::q8_0, 18, 64, true},
        Case{q4_0, gpu::WeightType::q4_0, 35, 96, false}, Case{q4_0, gpu::WeightType::q4_0, 20, 32, true}}) {
    SCOPED_TRACE(std::string(matmul::type_name(c.type)) + (c.gated ? " gated" : ""));
    const int64_t column = gpu::source_column_bytes(c.device, c.k);
    ASSERT_EQ(column, matmul::source_row_bytes(c.type, c.k));
    const std::vector<std::byte> halves[] = {random_bytes(c.n * column, 1), random_bytes(c.n * column, 2)};
    std::vector<matmul::Source> sources;
    for (int i = 0; i < (c.gated ? 2 : 1); ++i)
      sources.push_back({.type = c.type, .data = halves[i].data(), .ld = c.k});
    const auto packed = Weights::prepare(sources, c.n, c.k, matmul::prepared_layout(c.type), nullptr);
    ASSERT_TRUE(packed.ok()) << packed.status().message();
    EXPECT_EQ(device_type(packed->layout()), c.device);
    ASSERT_EQ(weight_columns(*packed), c.n * std::ssize(sources));
    std::vector<std::byte> read(static_cast<size_t>(column));
    for (int64_t j = 0; j < weight_columns(*packed); ++j) {
      read_column(*packed, j, read.data());
      const std::byte* expected = halves[j / c.n].data() + j % c.n * column;
      ASSERT_EQ(std::vector(expected, expected + column), read) << "column " << j;
    }
  }
}

TEST(WeightColumns, OtherLayoutsHaveNoTypeOfTheDevice) {
  for (const matmul::Type type : {matmul::Type::bf16, matmul::Type::q4_k, matmul::Type::q8_a7, matmul::Type::i8})
    EXPECT_FALSE(device_type(matmul::prepared_layout(type)).has_value());
}

}  // namespace
}  // namespace lathe::ops
