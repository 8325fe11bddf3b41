#include "kernels/rope/rope.h"

#include <gtest/gtest.h>

#include <complex>

#include "kernels/common/row_testing.h"

namespace lathe::rope {
namespace {

using namespace kernels::testing;

constexpr int64_t kTokens = 3, kHeads = 2;
constexpr int32_t kPositions[kTokens] = {7, 0, 31};

struct Shape {
  int64_t head_dim, rotary;
};
std::vector<Shape> shapes() {
  std::vector<Shape> all = {{64, 64}, {128, 128}, {80, 32}, {256, 64}, {5, 0}};
  for (int64_t rotary = 2; rotary <= 70; rotary += 2) all.push_back({rotary + rotary % 3, rotary});
  return all;
}

struct Table {
  std::vector<float> cos, sin;

  explicit Table(const TableArgs& args) : cos(static_cast<size_t>(args.count * args.rotary / 2)), sin(cos.size()) {
    build_table(args, cos.data(), sin.data());
  }
};

// Tokens by heads, each head a row of `Rows`.
Args args_of(const Shape& shape, Pairing pairing, const Table& table, Rows& x, Rows& y) {
  return {.tokens = kTokens,
          .heads = kHeads,
          .head_dim = shape.head_dim,
          .rotary = shape.rotary,
          .pairing = pairing,
          .x = x.data(),
          .x_token = kHeads * x.stride(),
          .x_head = x.stride(),
          .y = y.data(),
          .y_token = kHeads * y.stride(),
          .y_head = y.stride(),
          .positions = kPositions,
          .cos = table.cos.data(),
          .sin = table.sin.data()};
}

using RopeTest = EveryVariant<Variant>;
INSTANTIATE_TEST_SUITE_P(Table, RopeTest, ::testing::ValuesIn(variants().begin(), variants().end()),
                         variant_test_name<const Variant*>);

TEST_P(RopeTest, RotatesEveryPairAsTheContractSays) {
  std::mt19937 random(1);
  for (const Shape& shape : shapes()) {
    const Table table({.count = 32, .rotary = shape.rotary});
    for (const Pairing pairing : {Pairing::interleaved, Pairing::halves}) {
      Rows x(kTokens * kHeads, shape.head_dim, shape.rotary % 7), y(kTokens * kHeads, shape.head_dim, 3, 2);
      Rows expected(kTokens * kHeads, shape.head_dim);
      x.fill(random);
      const int64_t half = shape.rotary / 2;
      for (int64_t row = 0; row < kTokens * kHeads; ++row) {
        for (int64_t j = shape.rotary; j < shape.head_dim; ++j) expected.at(row, j) = x.at(row, j);
        for (int64_t i = 0; i < half; ++i) {
          const int64_t ia = pairing == Pairing::halves ? i : 2 * i,
                        ib = pairing == Pairing::halves ? i + half : ia + 1;
          const size_t at = static_cast<size_t>(kPositions[row / kHeads] * half + i);
          const float a = x.at(row, ia), b = x.at(row, ib), bs = b * table.sin[at], as = a * table.sin[at];
          expected.at(row, ia) = std::fma(a, table.cos[at], -bs);
          expected.at(row, ib) = std::fma(b, table.cos[at], as);
        }
      }
      SCOPED_TRACE(pairing_name(pairing));
      variant().run(args_of(shape, pairing, table, x, y));
      y.expect_same_bits(expected);
      y.expect_canaries();
      variant().run(args_of(shape, pairing, table, x, x));
      x.expect_same_bits(expected);
      x.expect_canaries();
    }
  }
}

TEST_P(RopeTest, ATableMayBeginAtAnyPosition) {
  const Shape shape = {32, 32};
  const Table all({.count = 32, .rotary = 32}), late({.first_position = 20, .count = 12, .rotary = 32});
  const int32_t positions[kTokens] = {20, 31, 25};
  Rows x(kTokens * kHeads, 32), from_all(kTokens * kHeads, 32), from_late(kTokens * kHeads, 32);
  std::mt19937 random(2);
  x.fill(random);
  Args args = args_of(shape, Pairing::halves, all, x, from_all);
  args.positions = positions;
  variant().run(args);
  args = args_of(shape, Pairing::halves, late, x, from_late);
  args.positions = positions;
  args.first_position = 20;
  variant().run(args);
  from_late.expect_same_bits(from_all);
}

// What the embedding is for: the product of two rotated heads depends on the distance of their positions alone.
TEST_P(RopeTest, ProductsDependOnTheDistanceOnly) {
  const Shape shape = {64, 64};
  const Table table({.count = 1032, .rotary = 64});
  for (const Pairing pairing : {Pairing::interleaved, Pairing::halves}) {
    Rows x(kTokens * kHeads, 64), y(kTokens * kHeads, 64);
    std::mt19937 random(3);
    x.fill(random, 1.0f);
    const auto product = [&](int32_t first, int32_t second) {
      const int32_t positions[kTokens] = {first, second, 0};
      Args args = args_of(shape, pairing, table, x, y);
      args.positions = positions;
      variant().run(args);
      double sum = 0;
      for (int64_t j = 0; j < 64; ++j) sum += static_cast<double>(y.at(0, j)) * y.at(kHeads, j);
      return sum;
    };
    x.for_each([&](int64_t i, int64_t j) { return i == kHeads ? x.at(0, j) : x.at(i, j); });
    // 128 roundings of products of size |x|^2: 64 terms, each wrong by about 2^-22 at most.
    EXPECT_NEAR(product(3, 10), product(1003, 1010), 64 * 0x1p-22);
    EXPECT_GT(std::fabs(product(3, 10) - product(3, 900)), 1.0);
  }
}

TEST(RopeTable, IsThePowersOfOneRotation) {
  const int64_t rotary = 16;
  const std::vector<float> factors = {1, 1, 1, 2, 4, 8, 8, 8};
  const Table table({.count = 2000,
                     .rotary = rotary,
                     .base = 500000.0,
                     .position_scale = 4.0,
                     .frequency_factors = factors.data(),
                     .magnitude = 1.25});
  for (int64_t i = 0; i < rotary / 2; ++i) {
    // One quarter of a position step, by repeated multiplication and a root instead of pow.
    const double frequency =
        std::exp(-std::log(500000.0) * static_cast<double>(i) / 8) / factors[static_cast<size_t>(i)];
    const std::complex<double> step = std::polar(1.0, frequency / 4);
    std::complex<double> turned = 1.25;
    for (int64_t p = 0; p < 2000; ++p, turned *= step) {
      const size_t at = static_cast<size_t>(p * rotary / 2 + i);
      ASSERT_NEAR(table.cos[at], turned.real(), 1.25 * 0x1p-24) << p << ", " << i;  // half a unit below 2
      ASSERT_NEAR(table.sin[at], turned.imag(), 1.25 * 0x1p-24) << p << ", " << i;
    }
  }
}

TEST(RopeTable, HasTheKnownValuesOfTheDefaultBase) {
  const Table table({.count = 3, .rotary = 4});
  const float cos[] = {1, 1, 0.540302306f, 0.999950000f, -0.416146837f, 0.999800007f};
  const float sin[] = {0, 0, 0.841470985f, 0.00999983333f, 0.909297427f, 0.0199986667f};
  for (size_t k = 0; k < 6; ++k) {
    EXPECT_EQ(table.cos[k], cos[k]) << k;
    EXPECT_EQ(table.sin[k], sin[k]) << k;
  }
}

TEST(Rope, TableFindsItsRowsAndTheBestOfAMachine) {
  for (const Variant* row : variants()) EXPECT_EQ(find(row->name), row);
  EXPECT_EQ(find("rope.abacus"), nullptr);
  EXPECT_EQ(best(0).isa, Isa::scalar);
  EXPECT_EQ(&best(isa_needs(variants().front()->isa)), variants().front());
}

}  // namespace
}  // namespace lathe::rope
