#include "kernels/activation/activation.h"

#include <gtest/gtest.h>

#include "kernels/activation/activation_reference.h"
#include "kernels/common/row_testing.h"
#include "kernels/common/scalar_math.h"

namespace lathe::activation {
namespace {

using namespace kernels::testing;

float scalar(Function function, float x) {
  switch (function) {
    case Function::relu:
      return kernels::relu_f32(x);
    case Function::silu:
      return kernels::silu_f32(x);
    case Function::gelu_erf:
      return kernels::gelu_erf_f32(x);
    case Function::gelu_tanh:
      return kernels::gelu_tanh_f32(x);
    case Function::tanh:
      return kernels::tanh_f32(x);
    case Function::sigmoid:
      return kernels::sigmoid_f32(x);
    case Function::erf:
      return kernels::erf_f32(x);
    case Function::exp:
      return kernels::exp_f32(x);
  }
  return kNan;
}

// Any float: random bits give every exponent, NaN and infinity; every third value is of the size that models see.
float any_float(std::mt19937& random) {
  if (random() % 3 != 0) return std::bit_cast<float>(static_cast<uint32_t>(random()));
  return std::normal_distribution<float>(0.0f, 4.0f)(random);
}

using ActivationTest = EveryVariant<Variant>;
INSTANTIATE_TEST_SUITE_P(Table, ActivationTest, ::testing::ValuesIn(variants().begin(), variants().end()),
                         variant_test_name<const Variant*>);

TEST_P(ActivationTest, AppliesTheScalarFunctionToEveryElementAndNothingElse) {
  std::mt19937 random(1);
  for (const Function function : kFunctions) {
    for (const int64_t n : nasty_lengths()) {
      SCOPED_TRACE(function_name(function));
      Rows x(3, n, n % 7), y(3, n, n % 5, 3), expected(3, n, n % 5, 3);
      x.for_each([&](int64_t, int64_t) { return any_float(random); });
      expected.for_each([&](int64_t i, int64_t j) { return scalar(function, x.at(i, j)); });
      variant().apply(function, {3, n, x.data(), x.stride(), y.data(), y.stride()});
      y.expect_same_bits(expected);
      y.expect_canaries();
    }
  }
}

// Not even to put back what stood there: it may be another thread's.
TEST_P(ActivationTest, TouchesNothingBehindARow) {
  for (int64_t n = 1; n <= 35; ++n) {
    const GuardedFloats x(n), y(n);
    ASSERT_TRUE(x.guarded() && y.guarded());
    for (int64_t i = 0; i < n; ++i) x.data()[i] = static_cast<float>(i) - 8;
    variant().apply(Function::relu, {1, n, x.data(), n, y.data(), n});
    for (int64_t i = 0; i < n; ++i) EXPECT_EQ(y.data()[i], i > 8 ? static_cast<float>(i) - 8 : 0.0f) << n;
  }
}

TEST_P(ActivationTest, GatesInPlace) {
  std::mt19937 random(2);
  for (const Function function : kFunctions) {
    for (const int64_t n : nasty_lengths()) {
      SCOPED_TRACE(function_name(function));
      Rows gate(2, n, n % 7), up(2, n, n % 5, 3), expected(2, n);
      gate.fill(random);
      up.fill(random);
      expected.for_each([&](int64_t i, int64_t j) { return scalar(function, gate.at(i, j)) * up.at(i, j); });
      variant().gated(function, {2, n, gate.data(), gate.stride(), up.data(), up.stride(), gate.data(), gate.stride()});
      gate.expect_same_bits(expected);
      gate.expect_canaries();
      up.expect_canaries();
    }
  }
}

TEST_P(ActivationTest, NoRowsAndNoElementsTouchNothing) {
  Rows y(1, 1);
  variant().apply(Function::exp, {0, 1, nullptr, 0, y.data(), 1});
  variant().apply(Function::exp, {1, 0, y.data(), 1, y.data(), 1});
  variant().gated(Function::exp, {1, 0, y.data(), 1, y.data(), 1, y.data(), 1});
  EXPECT_TRUE(std::isnan(y.at(0, 0)));
  y.expect_canaries();
}

TEST(Activation, ValuesAtTheEdges) {
  struct Case {
    Function function;
    float x, y;
  };
  const float tiny = std::numeric_limits<float>::denorm_min(), huge = std::numeric_limits<float>::max();
  const Case cases[] = {
      {Function::exp, -kInf, 0.0f},
      {Function::exp, kInf, kInf},
      {Function::exp, huge, kInf},
      {Function::exp, -huge, 0.0f},
      {Function::exp, -0.0f, 1.0f},
      {Function::exp, tiny, 1.0f},
      {Function::exp, -103.0f, tiny},
      {Function::exp, 88.72284f, kInf},
      {Function::tanh, kInf, 1.0f},
      {Function::tanh, -kInf, -1.0f},
      {Function::tanh, -0.0f, -0.0f},
      {Function::tanh, tiny, tiny},
      {Function::tanh, huge, 1.0f},
      {Function::erf, kInf, 1.0f},
      {Function::erf, -kInf, -1.0f},
      {Function::erf, -0.0f, -0.0f},
      {Function::erf, huge, 1.0f},
      {Function::sigmoid, kInf, 1.0f},
      {Function::sigmoid, -kInf, 0.0f},
      {Function::sigmoid, 0.0f, 0.5f},
      {Function::sigmoid, tiny, 0.5f},
      {Function::sigmoid, -103.0f, tiny},
      {Function::relu, kInf, kInf},
      {Function::relu, -kInf, 0.0f},
      {Function::relu, -0.0f, -0.0f},
      {Function::relu, -tiny, 0.0f},
      {Function::silu, kInf, kInf},
      {Function::silu, -kInf, -0.0f},
      {Function::silu, -0.0f, -0.0f},
      {Function::silu, huge, huge},
      {Function::silu, -huge, -0.0f},
      {Function::gelu_erf, kInf, kInf},
      {Function::gelu_erf, -kInf, -0.0f},
      {Function::gelu_erf, -0.0f, -0.0f},
      {Function::gelu_erf, huge, huge},
      {Function::gelu_erf, -huge, -0.0f},
      {Function::gelu_tanh, kInf, kInf},
      {Function::gelu_tanh, -kInf, -0.0f},
      {Function::gelu_tanh, -0.0f, -0.0f},
      {Function::gelu_tanh, huge, huge},
      {Function::gelu_tanh, -huge, -0.0f},
      // where a tail is cut off
      {Function::gelu_erf, 6.0f, 6.0f},
      {Function::gelu_erf, -6.0f, -0.0f},
      {Function::gelu_tanh, 10.0f, 10.0f},
      {Function::gelu_tanh, -10.0625f, -0.0f},
      {Function::silu, 88.0f, 88.0f},
      {Function::silu, -88.4f, -0.0f},
  };
  for (const Case& c : cases)
    EXPECT_PRED2(same_bits, scalar(c.function, c.x), c.y) << function_name(c.function) << "(" << c.x << ")";
  for (const Function function : kFunctions) EXPECT_TRUE(std::isnan(scalar(function, kNan))) << function_name(function);
}

// What README.md promises: at most `ulp` units in the last place for x >= from, and at most `absolute` below.
struct Accuracy {
  Function function;
  double ulp;
  float from;
  double absolute;
};
constexpr Accuracy kAccuracy[] = {
    {Function::exp, 1.3, -kInf, 0},
    {Function::tanh, 2.6, -kInf, 0},
    {Function::erf, 2.2, -kInf, 0},
    {Function::sigmoid, 2.5, -kInf, 0},
    {Function::relu, 0, -kInf, 0},
    {Function::silu, 3.2, -88.376f, 3.7e-37},
    {Function::gelu_erf, 4.7, -0.5f, 7.5e-8},
    {Function::gelu_tanh, 2.5, -0.5f, 5e-8},
};

struct Worst {
  double ulp = 0, absolute = 0;
  float ulp_at = 0, absolute_at = 0;
};

// The worst errors over every float whose bits are a multiple of `step`.
Worst measure(const Variant& variant, const Accuracy& accuracy, uint64_t step) {
  constexpr int64_t kBatch = 4096;
  std::vector<float> x(kBatch), y(kBatch);
  Worst worst;
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += step * kBatch) {
    for (uint64_t j = 0; j < kBatch; ++j) x[j] = std::bit_cast<float>(static_cast<uint32_t>(bits + j * step));
    variant.apply(accuracy.function, {1, kBatch, x.data(), 0, y.data(), 0});
    for (size_t j = 0; j < kBatch; ++j) {
      const double exact = reference(accuracy.function, x[j]);
      const double ulp = ulp_error(y[j], exact), absolute = std::fabs(y[j] - exact);
      if (!(x[j] < accuracy.from) && ulp > worst.ulp) worst.ulp = ulp, worst.ulp_at = x[j];
      if (x[j] < accuracy.from && !(absolute <= worst.absolute) && !std::isinf(x[j]))
        worst.absolute = absolute, worst.absolute_at = x[j];
    }
  }
  return worst;
}

void expect_accuracy(uint64_t step) {
  const Variant& variant = best(cpu_features());  // all rows give the same bits
  for (const Accuracy& accuracy : kAccuracy) {
    const Worst worst = measure(variant, accuracy, step);
    std::printf("%-10s %.3f ulp at %.9g for x >= %g, %.3g absolute at %.9g below\n",
                std::string(function_name(accuracy.function)).c_str(), worst.ulp, worst.ulp_at, accuracy.from,
                worst.absolute, worst.absolute_at);
    EXPECT_LE(worst.ulp, accuracy.ulp) << function_name(accuracy.function) << " at " << worst.ulp_at;
    EXPECT_LE(worst.absolute, accuracy.absolute) << function_name(accuracy.function) << " at " << worst.absolute_at;
  }
}

TEST(ActivationAccuracy, Sampled) { expect_accuracy(4099); }

// Some minutes a function. --gtest_also_run_disabled_tests --gtest_filter='*EveryFloat'
TEST(ActivationAccuracy, DISABLED_EveryFloat) { expect_accuracy(1); }

TEST(Activation, TableFindsItsRowsAndTheBestOfAMachine) {
  for (const Variant* row : variants()) EXPECT_EQ(find(row->name), row);
  EXPECT_EQ(find("activation.abacus"), nullptr);
  EXPECT_EQ(best(0).isa, Isa::scalar);
  EXPECT_EQ(&best(isa_needs(variants().front()->isa)), variants().front());
}

}  // namespace
}  // namespace lathe::activation
