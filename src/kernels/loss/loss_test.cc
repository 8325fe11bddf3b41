#include "kernels/loss/loss.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/common/gradient_testing.h"
#include "kernels/common/row_testing.h"
#include "kernels/common/scalar_steps.h"

namespace lathe::loss {
namespace {

using namespace kernels::testing;

// The formulas of loss.h in float64, with no maximum taken out: a row's logits are small here.
struct Reference {
  std::vector<double> x;
  size_t target;
  double scale;

  double loss() const {
    double sum = 0;
    for (const double v : x) sum += std::exp(v);
    return std::log(sum) - x[target];
  }
  std::vector<double> gradient() const {
    std::vector<double> g;
    double sum = 0;
    for (const double v : x) sum += std::exp(v);
    for (size_t j = 0; j < x.size(); ++j) g.push_back((std::exp(x[j]) / sum - (j == target ? 1.0 : 0.0)) * scale);
    return g;
  }
};

// Four rows of logits; one target is left out where there is more than one word.
struct Operands {
  static constexpr int64_t kRows = 4;
  int64_t n;
  Rows x;
  std::vector<int32_t> targets;
  std::vector<double> loss;

  Operands(int64_t words, uint32_t seed) : n(words), x(kRows, n, n % 5), loss(kRows, -1.0) {
    std::mt19937 random(seed);
    x.fill(random);
    for (int64_t i = 0; i < kRows; ++i) targets.push_back(static_cast<int32_t>(random() % static_cast<uint32_t>(n)));
    if (n > 1) targets[2] = -1;
  }
  Args args(bool gradient, float scale = 0.125f) {
    return {.rows = kRows,
            .n = n,
            .x = x.data(),
            .x_row = x.stride(),
            .targets = targets.data(),
            .scale = scale,
            .gradient = gradient,
            .loss = loss.data()};
  }
};

using LossTest = EveryVariant<Variant>;
INSTANTIATE_TEST_SUITE_P(Table, LossTest, ::testing::ValuesIn(variants().begin(), variants().end()),
                         variant_test_name<const Variant*>);

TEST_P(LossTest, HasTheBitsOfTheScalarRow) {
  for (const int64_t n : nasty_lengths())
    for (const bool gradient : {true, false}) {
      Operands found(n, 1), expected(n, 1);
      variant().cross_entropy(found.args(gradient));
      table_scalar.cross_entropy(expected.args(gradient));
      found.x.expect_same_bits(expected.x);
      found.x.expect_canaries();
      EXPECT_EQ(found.loss, expected.loss) << n;
    }
}

TEST_P(LossTest, IsNearFloat64) {
  for (const int64_t n : {1, 2, 7, 16, 17, 33, 1000, 32000}) {
    Operands o(n, 2), before(n, 2);
    variant().cross_entropy(o.args(true));
    for (int64_t i = 0; i < Operands::kRows; ++i) {
      const int32_t target = o.targets[static_cast<size_t>(i)];
      if (target < 0) continue;
      const Reference r = {{before.x.row(i).begin(), before.x.row(i).end()}, static_cast<size_t>(target), 0.125};
      EXPECT_NEAR(o.loss[static_cast<size_t>(i)], r.loss(), 2e-6) << n;
      const std::vector<double> exact = r.gradient();
      for (int64_t j = 0; j < n; ++j) {
        const double value = exact[static_cast<size_t>(j)];  // of the target, 1 - p has the error of p
        ASSERT_NEAR(o.x.at(i, j), value, 2e-6 * (j == target ? 0.125 : std::fabs(value))) << n;
      }
    }
  }
}

TEST_P(LossTest, ARowWithoutATargetCountsNothing) {
  Operands o(37, 3);
  variant().cross_entropy(o.args(true));
  EXPECT_EQ(o.loss[2], 0.0);
  for (int64_t j = 0; j < 37; ++j) EXPECT_EQ(o.x.at(2, j), 0.0f);
}

TEST_P(LossTest, WithoutAGradientLeavesTheLogits) {
  Operands o(37, 4), with(37, 4), before(37, 4);
  variant().cross_entropy(o.args(false));
  variant().cross_entropy(with.args(true));
  o.x.expect_same_bits(before.x);
  EXPECT_EQ(o.loss, with.loss);
}

TEST_P(LossTest, LargeLogitsOverflowNothing) {
  Operands o(20, 5);
  o.x.for_each([](int64_t i, int64_t j) { return i == 0 ? 3e38f : j == 0 ? 1e4f : -1e4f; });
  o.targets = {7, 0, 0, 1};
  variant().cross_entropy(o.args(true, 1.0f));
  EXPECT_NEAR(o.loss[0], std::log(20.0), 1e-6);
  EXPECT_EQ(o.loss[1], 0.0);
  EXPECT_EQ(o.loss[3], 2e4);
  EXPECT_EQ(o.x.at(3, 0), 1.0f);
  EXPECT_EQ(o.x.at(3, 1), -1.0f);
}

TEST_P(LossTest, WhatIsNotFiniteShowsInItsRowAlone) {
  for (const float bad : {kNan, kInf}) {
    Operands clean(50, 6), dirty(50, 6);
    dirty.x.at(1, 49) = bad;
    variant().cross_entropy(clean.args(true));
    variant().cross_entropy(dirty.args(true));
    EXPECT_FALSE(std::isfinite(dirty.loss[1]));
    for (const size_t i : {0u, 2u, 3u}) EXPECT_EQ(dirty.loss[i], clean.loss[i]);
  }
  Operands o(50, 7);
  o.x.at(0, o.targets[0]) = -kInf;
  o.x.at(1, (o.targets[1] + 1) % 50) = -kInf;
  variant().cross_entropy(o.args(true));
  EXPECT_EQ(o.loss[0], double{kInf});
  EXPECT_TRUE(std::isfinite(o.loss[1]));
  EXPECT_EQ(o.x.at(1, (o.targets[1] + 1) % 50), 0.0f);
}

TEST(Loss, ReferenceHasTheSlopesOfItsLoss) {
  Operands o(23, 8);
  Reference r = {{o.x.row(0).begin(), o.x.row(0).end()}, static_cast<size_t>(o.targets[0]), 1.0};
  const std::vector<double> slopes = central_differences(r.x, [&] { return r.loss(); });
  expect_close(r.gradient(), slopes, 1e-9, "gradient");
}

TEST(Loss, LogarithmIsNearTheLibrarys) {
  for (double x = 1e-300; x < 1e300; x *= 1.37)
    EXPECT_NEAR(kernels::log_f64(x), std::log(x), 4e-16 * std::max(1.0, std::fabs(std::log(x)))) << x;
  for (double x = 0.5; x < 2.0; x += 1e-3) EXPECT_NEAR(kernels::log_f64(x), std::log(x), 2e-16) << x;
  EXPECT_EQ(kernels::log_f64(1.0), 0.0);
  EXPECT_EQ(kernels::log_f64(double{kInf}), double{kInf});
  EXPECT_TRUE(std::isnan(kernels::log_f64(double{kNan})));
}

TEST(Loss, TableFindsItsRowsAndTheBestOfAMachine) {
  for (const Variant* row : variants()) EXPECT_EQ(find(row->name), row);
  EXPECT_EQ(find("cross_entropy.abacus"), nullptr);
  EXPECT_EQ(best(0).isa, Isa::scalar);
}

}  // namespace
}  // namespace lathe::loss
