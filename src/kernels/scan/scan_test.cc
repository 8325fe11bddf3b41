#include "kernels/scan/scan.h"

#include <gtest/gtest.h>

#include "base/types.h"
#include "kernels/common/row_testing.h"
#include "quant/row_integers.h"

namespace lathe::scan {
namespace {

using namespace kernels::testing;

// Seven vectors: one block of those that run together, and three alone.
struct Operands {
  static constexpr int64_t kVectors = 7;
  int64_t dim;
  std::vector<float> x, query, scale;
  std::vector<uint16_t> bits;
  std::vector<int8_t> bytes;
  std::vector<int16_t> levels;
  float level_scale = 0;

  explicit Operands(int64_t n, uint32_t seed = 1) : dim(n) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (int64_t k = 0; k < n; ++k) query.push_back(normal(random));
    for (int64_t k = 0; k < kVectors * n; ++k) x.push_back(normal(random));
    for (const float v : x) bits.push_back(to_bf16(v).bits);
    bytes.resize(x.size());
    levels.resize(query.size());
    level_scale = encode_query_s16(query, levels.data());
    for (int64_t i = 0; i < kVectors; ++i) scale.push_back(encode_row_s8(row(i), &bytes[static_cast<size_t>(i * n)]));
  }
  std::span<const float> row(int64_t i) const {
    return std::span(x).subspan(static_cast<size_t>(i * dim), static_cast<size_t>(dim));
  }
};

enum class Type { f32, bf16, s8 };

std::vector<float> scores(const Variant& variant, const Operands& o, Type type, int64_t vectors = Operands::kVectors) {
  std::vector<float> found(static_cast<size_t>(vectors) + 1, -77.0f);
  Args a = {.vectors = vectors, .dim = o.dim, .data = o.x.data(), .query = o.query.data(), .scores = found.data()};
  if (type == Type::bf16) a.data = o.bits.data();
  if (type == Type::s8) {
    a.data = o.bytes.data(), a.query = nullptr, a.levels = o.levels.data();
    a.level_scale = o.level_scale, a.scale = o.scale.data();
  }
  (type == Type::f32 ? variant.f32 : type == Type::bf16 ? variant.bf16 : variant.s8)(a);
  EXPECT_EQ(found.back(), -77.0f);
  found.pop_back();
  return found;
}

constexpr Type kTypes[] = {Type::f32, Type::bf16, Type::s8};

using ScanTest = EveryVariant<Variant>;
INSTANTIATE_TEST_SUITE_P(Table, ScanTest, ::testing::ValuesIn(variants().begin(), variants().end()),
                         variant_test_name<const Variant*>);

TEST_P(ScanTest, HasTheBitsOfTheScalarRowInAnyCompany) {
  for (const int64_t dim : nasty_lengths()) {
    const Operands o(dim);
    for (const Type type : kTypes) {
      const auto expected = scores(table_scalar, o, type);
      const auto found = scores(variant(), o, type), fewer = scores(variant(), o, type, 3);
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_PRED2(same_bits, found[i], expected[i]) << "dim " << dim << ", vector " << i;
        if (i < fewer.size()) {
          ASSERT_PRED2(same_bits, fewer[i], expected[i]) << dim;
        }
      }
    }
  }
}

TEST_P(ScanTest, IsWithinTheBoundOfFloat64) {
  for (const int64_t dim : nasty_lengths()) {
    const Operands o(dim, 2);
    for (const Type type : kTypes) {
      const auto found = scores(variant(), o, type);
      for (int64_t i = 0; i < o.kVectors; ++i) {
        double sum = 0, magnitude = 0, steps = 0;
        for (int64_t k = 0; k < dim; ++k) {
          const auto at = static_cast<size_t>(i * dim + k), q = static_cast<size_t>(k);
          const double x = type == Type::bf16 ? to_float(bf16{o.bits[at]}) : o.x[at];
          sum += x * o.query[q];
          magnitude += std::fabs(x * o.query[q]);
          // s8: each side is off by half a step at most.
          steps += 0.5 * (o.scale[static_cast<size_t>(i)] * std::fabs(o.query[q]) + o.level_scale * std::fabs(x)) +
                   0.25 * o.scale[static_cast<size_t>(i)] * o.level_scale;
        }
        const double roundings = (static_cast<double>(dim) / 16 + 6) * 0x1p-24 * magnitude;
        ASSERT_NEAR(found[static_cast<size_t>(i)], sum, roundings + (type == Type::s8 ? steps * 1.0001 : 0.0)) << dim;
      }
    }
  }
}

TEST_P(ScanTest, TheLargestIntegersDoNotOverflow) {
  for (const int64_t dim : {int64_t{1}, int64_t{512}, int64_t{4099}, kMostRowDim}) {
    const auto limit = static_cast<int16_t>(query_limit(dim));
    const std::vector<int8_t> bytes(static_cast<size_t>(dim), -128);
    const std::vector<int16_t> levels(bytes.size(), limit);
    const float scale = 1;
    float score = 0;
    variant().s8({.vectors = 1,
                  .dim = dim,
                  .data = bytes.data(),
                  .levels = levels.data(),
                  .level_scale = 1,
                  .scale = &scale,
                  .scores = &score});
    EXPECT_EQ(score, static_cast<float>(-128 * dim * limit)) << dim;
  }
}

// The order of addition of scan.h, written down once more without any of the code it describes.
TEST(Scan, AddsInTheOrderOfTheContract) {
  const Operands o(83, 7);
  float lane[16] = {};
  for (size_t k = 0; k < 83; ++k) lane[k % 16] = std::fma(o.x[k], o.query[k], lane[k % 16]);
  const auto four = [&](int k) { return (lane[k] + lane[k + 8]) + (lane[k + 4] + lane[k + 12]); };
  EXPECT_EQ(scores(table_scalar, o, Type::f32)[0], (four(0) + four(2)) + (four(1) + four(3)));
}

TEST(Scan, ZerosAndSubnormalsHaveIntegersToo) {
  int8_t q[3] = {7, 7, 7};
  const float zeros[] = {0.0f, -0.0f, 0.0f}, tiny[] = {0x1p-149f, 0.0f, -0x1p-149f}, mixed[] = {1.0f, -0.5f, 0.25f};
  EXPECT_EQ(encode_row_s8(zeros, q), 0.0f);
  EXPECT_EQ(q[0], 0);
  EXPECT_EQ(encode_row_s8(tiny, q), 0.0f);
  EXPECT_EQ(q[2], 0);
  EXPECT_EQ(encode_row_s8(mixed, q), 1.0f / 127);
  EXPECT_EQ(q[0], 127);
  EXPECT_EQ(q[1], -64);  // 63.5 goes to the even one
  EXPECT_EQ(q[2], 32);
}

TEST(Scan, TableFindsItsRowsAndTheBestOfAMachine) {
  for (const Variant* row : variants()) EXPECT_EQ(find(row->name), row);
  EXPECT_EQ(find("scan.abacus"), nullptr);
  EXPECT_EQ(best(0).isa, Isa::scalar);
  EXPECT_EQ(&best(isa_needs(variants().front()->isa)), variants().front());
}

}  // namespace
}  // namespace lathe::scan
