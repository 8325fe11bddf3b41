#include "kernels/norm/norm.h"

#include <gtest/gtest.h>

#include "kernels/common/row_testing.h"
#include "kernels/norm/norm_reference.h"

namespace lathe::norm {
namespace {

using namespace kernels::testing;

// Which of the optional operands a case has.
struct Options {
  bool residual, sum, weight, bias;
  float weight_offset;
};
constexpr Options kOptions[] = {{false, false, false, false, 0}, {false, false, true, false, 0},
                                {false, false, true, true, 1},   {true, false, true, true, 0},
                                {true, true, true, true, 1},     {false, true, true, false, 0}};

// The operands of three rows, each with a stride and a misalignment of its own.
struct Operands {
  static constexpr int64_t kRows = 3;
  Rows x, residual, sum, weight, bias, y;

  Operands(int64_t n, uint32_t seed, float offset = 0.0f)
      : x(kRows, n, n % 7), residual(kRows, n, 3, 1), sum(kRows, n, 2, 0), weight(1, n), bias(1, n), y(kRows, n, 5, 2) {
    std::mt19937 random(seed);
    for (Rows* rows : {&x, &residual, &weight, &bias}) rows->fill(random);
    x.for_each([&](int64_t i, int64_t j) { return x.at(i, j) + offset; });
  }
  Args args(int64_t n, const Options& o) {
    Args a = {.rows = kRows, .n = n, .x = x.data(), .x_row = x.stride(), .y = y.data(), .y_row = y.stride()};
    if (o.residual) a.residual = residual.data(), a.residual_row = residual.stride();
    if (o.sum) a.sum = sum.data(), a.sum_row = sum.stride();
    if (o.weight) a.weight = weight.data();
    if (o.bias) a.bias = bias.data();
    a.weight_offset = o.weight_offset;
    return a;
  }
  void expect_canaries() {
    for (Rows* rows : {&x, &residual, &sum, &weight, &bias, &y}) rows->expect_canaries();
  }
};

using NormTest = EveryVariant<Variant>;
INSTANTIATE_TEST_SUITE_P(Table, NormTest, ::testing::ValuesIn(variants().begin(), variants().end()),
                         variant_test_name<const Variant*>);

TEST_P(NormTest, HasTheBitsOfTheScalarRow) {
  for (const int64_t n : nasty_lengths()) {
    for (const Options& options : kOptions) {
      for (const auto kernel : {&Variant::layer_norm, &Variant::rms_norm}) {
        Operands found(n, 1), expected(n, 1);
        (variant().*kernel)(found.args(n, options));
        (table_scalar.*kernel)(expected.args(n, options));
        found.y.expect_same_bits(expected.y);
        found.sum.expect_same_bits(expected.sum);
        found.expect_canaries();
      }
    }
  }
}

TEST_P(NormTest, NormalisesInPlaceOfEitherInput) {
  for (const int64_t n : {1, 15, 16, 17, 100, 384}) {
    Operands apart(n, 2), over_x(n, 2), over_residual(n, 2), sum_over_x(n, 2);
    const Options options = {true, false, true, true, 0};
    variant().layer_norm(apart.args(n, options));

    Args a = over_x.args(n, options);
    a.y = over_x.x.data(), a.y_row = over_x.x.stride();
    variant().layer_norm(a);
    over_x.x.expect_same_bits(apart.y);

    a = over_residual.args(n, options);
    a.y = over_residual.residual.data(), a.y_row = over_residual.residual.stride();
    variant().layer_norm(a);
    over_residual.residual.expect_same_bits(apart.y);

    a = sum_over_x.args(n, options);
    a.sum = sum_over_x.x.data(), a.sum_row = sum_over_x.x.stride();
    variant().layer_norm(a);
    sum_over_x.y.expect_same_bits(apart.y);
    sum_over_x.x.for_each([&](int64_t i, int64_t j) {
      EXPECT_EQ(sum_over_x.x.at(i, j), apart.x.at(i, j) + apart.residual.at(i, j));
      return sum_over_x.x.at(i, j);
    });
  }
}

TEST_P(NormTest, IsWithinTheBoundOfFloat64) {
  for (const int64_t n : nasty_lengths()) {
    for (const float offset : {0.0f, 1000.0f}) {
      Operands o(n, 3, offset);
      const Args plain = o.args(n, {false, false, true, true, 1});
      variant().layer_norm(plain);
      for (int64_t i = 0; i < o.kRows; ++i) {
        const Reference exact = layer_norm_reference(o.x.row(i), o.weight.row(0), o.bias.row(0), plain.eps);
        for (int64_t j = 0; j < n; ++j)
          ASSERT_NEAR(o.y.at(i, j), exact.y[static_cast<size_t>(j)], exact.bound[static_cast<size_t>(j)]) << n;
      }
      variant().rms_norm(plain);
      for (int64_t i = 0; i < o.kRows; ++i) {
        const Reference exact = rms_norm_reference(o.x.row(i), o.weight.row(0), 1.0, plain.eps);
        for (int64_t j = 0; j < n; ++j)
          ASSERT_NEAR(o.y.at(i, j), exact.y[static_cast<size_t>(j)], exact.bound[static_cast<size_t>(j)]) << n;
      }
    }
  }
}

TEST_P(NormTest, ANanStaysInItsRow) {
  const int64_t n = 37;
  for (const auto kernel : {&Variant::layer_norm, &Variant::rms_norm}) {
    Operands clean(n, 4), dirty(n, 4);
    dirty.x.at(1, 36) = kNan;
    (variant().*kernel)(clean.args(n, kOptions[2]));
    (variant().*kernel)(dirty.args(n, kOptions[2]));
    for (int64_t j = 0; j < n; ++j) {
      EXPECT_EQ(dirty.y.at(0, j), clean.y.at(0, j));
      EXPECT_TRUE(std::isnan(dirty.y.at(1, j)));
      EXPECT_EQ(dirty.y.at(2, j), clean.y.at(2, j));
    }
  }
}

TEST_P(NormTest, AConstantRowBecomesItsBias) {
  Operands o(50, 5);
  o.x.for_each([](int64_t, int64_t) { return 0.75f; });
  variant().layer_norm(o.args(50, {false, false, true, true, 0}));
  for (int64_t j = 0; j < 50; ++j) EXPECT_EQ(o.y.at(0, j), o.bias.at(0, j));
}

// The order of addition of norm.h, written down once more without any of the code it describes.
TEST(Norm, AddsInTheOrderOfTheContract) {
  const int64_t n = 83;
  Operands o(n, 6);
  table_scalar.layer_norm(o.args(n, {false, false, true, true, 0}));
  const auto tree = [](const float* l) {
    const auto four = [&](int k) { return (l[k] + l[k + 8]) + (l[k + 4] + l[k + 12]); };
    return (four(0) + four(2)) + (four(1) + four(3));
  };
  float sums[16] = {}, squares[16] = {};
  for (int64_t j = 0; j < n; ++j) sums[j % 16] += o.x.at(0, j);
  const float mean = tree(sums) / static_cast<float>(n);
  for (int64_t j = 0; j < n; ++j) {
    const float d = o.x.at(0, j) - mean;
    squares[j % 16] = std::fma(d, d, squares[j % 16]);
  }
  const float r = 1.0f / std::sqrt(tree(squares) / static_cast<float>(n) + 1e-5f);
  for (int64_t j = 0; j < n; ++j)
    EXPECT_EQ(o.y.at(0, j), std::fma((o.x.at(0, j) - mean) * r, o.weight.at(0, j), o.bias.at(0, j))) << j;
}

TEST(Norm, TableFindsItsRowsAndTheBestOfAMachine) {
  for (const Variant* row : variants()) EXPECT_EQ(find(row->name), row);
  EXPECT_EQ(find("norm.abacus"), nullptr);
  EXPECT_EQ(best(0).isa, Isa::scalar);
  EXPECT_EQ(&best(isa_needs(variants().front()->isa)), variants().front());
}

}  // namespace
}  // namespace lathe::norm
