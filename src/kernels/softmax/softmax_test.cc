#include "kernels/softmax/softmax.h"

#include <gtest/gtest.h>

#include "kernels/common/row_testing.h"
#include "kernels/common/scalar_math.h"
#include "kernels/softmax/softmax_reference.h"

namespace lathe::softmax {
namespace {

using namespace kernels::testing;

// Three rows, with a mask that takes out every fifth element, each operand with a stride of its own.
struct Operands {
  static constexpr int64_t kRows = 3;
  Rows x, mask, y;

  Operands(int64_t n, uint32_t seed) : x(kRows, n, n % 7), mask(kRows, n, 3, 1), y(kRows, n, n % 5, 2) {
    std::mt19937 random(seed);
    x.fill(random, 8.0f);
    mask.fill(random);
    mask.for_each([&](int64_t i, int64_t j) { return (i + j) % 5 == 4 ? -kInf : mask.at(i, j); });
  }
  Args args(int64_t n, bool masked) {
    Args a = {
        .rows = kRows, .n = n, .x = x.data(), .x_row = x.stride(), .valid = n, .y = y.data(), .y_row = y.stride()};
    a.scale = 0.37f;
    if (masked) a.mask = mask.data(), a.mask_row = mask.stride();
    return a;
  }
};

using SoftmaxTest = EveryVariant<Variant>;
INSTANTIATE_TEST_SUITE_P(Table, SoftmaxTest, ::testing::ValuesIn(variants().begin(), variants().end()),
                         variant_test_name<const Variant*>);

TEST_P(SoftmaxTest, HasTheBitsOfTheScalarRow) {
  for (const int64_t n : nasty_lengths()) {
    for (const bool masked : {false, true}) {
      for (const int64_t valid : {n, n - 1, n / 2, int64_t{0}}) {
        Operands found(n, 1), expected(n, 1);
        Args a = found.args(n, masked), b = expected.args(n, masked);
        a.valid = b.valid = valid;
        a.valid_step = b.valid_step = 1;
        variant().run(a);
        table_scalar.run(b);
        found.y.expect_same_bits(expected.y);
        found.y.expect_canaries();
      }
    }
  }
}

TEST_P(SoftmaxTest, IsWithinTheBoundOfFloat64) {
  for (const int64_t n : nasty_lengths()) {
    for (const bool masked : {false, true}) {
      Operands o(n, 2);
      const Args a = o.args(n, masked);
      variant().run(a);
      for (int64_t i = 0; i < o.kRows; ++i) {
        const Reference exact = reference(o.x.row(i), masked ? o.mask.row(i) : std::span<float>(), a.scale);
        double sum = 0;
        for (int64_t j = 0; j < n; ++j) {
          ASSERT_NEAR(o.y.at(i, j), exact.y[static_cast<size_t>(j)], exact.bound[static_cast<size_t>(j)]) << n;
          sum += o.y.at(i, j);
        }
        EXPECT_NEAR(sum, 1.0, 1e-5);
      }
    }
  }
}

TEST_P(SoftmaxTest, WhatLiesBehindTheValidElementsChangesNoBit) {
  for (const int64_t valid : {1, 15, 16, 17, 40}) {
    Operands alone(valid, 3), padded(valid + 23, 3);
    padded.x.for_each([&](int64_t i, int64_t j) { return j < valid ? alone.x.at(i, j) : kNan; });
    Args a = padded.args(valid + 23, false);
    a.valid = valid;
    variant().run(alone.args(valid, false));
    variant().run(a);
    for (int64_t i = 0; i < alone.kRows; ++i)
      for (int64_t j = 0; j < valid + 23; ++j)
        ASSERT_PRED2(same_bits, padded.y.at(i, j), j < valid ? alone.y.at(i, j) : 0.0f) << i << ", " << j;
  }
}

TEST_P(SoftmaxTest, CausalRowsGrowByTheStep) {
  Operands o(6, 4);
  Args a = o.args(6, false);
  a.valid = 2, a.valid_step = 3;  // 2, 5, and 8 cut off at 6
  variant().run(a);
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t j = 0; j < 6; ++j) EXPECT_EQ(o.y.at(i, j) > 0, j < 2 + 3 * i) << i << ", " << j;
}

TEST_P(SoftmaxTest, ARowWithoutElementsIsZerosAndANanStaysInItsRow) {
  const int64_t n = 37;
  Operands clean(n, 5), o(n, 5);
  for (int64_t j = 0; j < n; ++j) o.x.at(0, j) = -kInf;
  o.x.at(1, 36) = kNan;
  variant().run(clean.args(n, false));
  variant().run(o.args(n, false));
  for (int64_t j = 0; j < n; ++j) {
    EXPECT_PRED2(same_bits, o.y.at(0, j), 0.0f);
    EXPECT_TRUE(std::isnan(o.y.at(1, j)));
    EXPECT_EQ(o.y.at(2, j), clean.y.at(2, j));
  }
  // A NaN that is not the largest of anything, and a +inf.
  for (const float poison : {kNan, kInf}) {
    for (int64_t j = 0; j < n; ++j) o.x.at(0, j) = j == 3 ? poison : -kInf;
    variant().run(o.args(n, false));
    for (int64_t j = 0; j < n; ++j) EXPECT_TRUE(std::isnan(o.y.at(0, j))) << poison;
  }
}

TEST_P(SoftmaxTest, HugeAndEqualScoresAndInPlace) {
  const int64_t n = 64;
  Operands o(n, 6);
  o.x.for_each([](int64_t i, int64_t) { return i == 0 ? 3e38f : i == 1 ? -3e38f : 0.0f; });
  Args a = o.args(n, false);
  a.scale = 1.0f;
  a.y = o.x.data(), a.y_row = o.x.stride();
  variant().run(a);
  o.x.expect_canaries();
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t j = 0; j < n; ++j) EXPECT_EQ(o.x.at(i, j), 1.0f / 64);
}

// The order of addition of softmax.h, written down once more without any of the code it describes.
TEST(Softmax, AddsInTheOrderOfTheContract) {
  const int64_t n = 83;
  Operands o(n, 7);
  const Args a = o.args(n, false);
  table_scalar.run(a);
  float top = -kInf, lane[16] = {}, e[n];
  for (int64_t j = 0; j < n; ++j) top = std::max(top, o.x.at(0, j) * a.scale);
  for (int64_t j = 0; j < n; ++j) {
    e[j] = kernels::exp_f32(o.x.at(0, j) * a.scale - top);
    lane[j % 16] += e[j];
  }
  const auto four = [&](int k) { return (lane[k] + lane[k + 8]) + (lane[k + 4] + lane[k + 12]); };
  const float factor = 1.0f / ((four(0) + four(2)) + (four(1) + four(3)));
  for (int64_t j = 0; j < n; ++j) EXPECT_EQ(o.y.at(0, j), e[j] * factor) << j;
}

TEST(Softmax, TableFindsItsRowsAndTheBestOfAMachine) {
  for (const Variant* row : variants()) EXPECT_EQ(find(row->name), row);
  EXPECT_EQ(find("softmax.abacus"), nullptr);
  EXPECT_EQ(best(0).isa, Isa::scalar);
  EXPECT_EQ(&best(isa_needs(variants().front()->isa)), variants().front());
}

}  // namespace
}  // namespace lathe::softmax
