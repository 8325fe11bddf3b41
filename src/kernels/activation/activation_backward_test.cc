#include "kernels/activation/activation_backward.h"

#include <gtest/gtest.h>

#include "kernels/activation/activation_reference.h"
#include "kernels/common/row_testing.h"

namespace lathe::activation {
namespace {

using namespace kernels::testing;

// Three rows of each array, with strides and misalignments of their own.
struct Operands {
  static constexpr int64_t kRows = 3;
  int64_t n;
  Rows gate, up, dy, dgate, dup;

  Operands(int64_t length, uint32_t seed)
      : n(length), gate(kRows, n, n % 7), up(kRows, n, 3, 1), dy(kRows, n, 2, 0), dgate(kRows, n, 5, 2), dup(kRows, n) {
    std::mt19937 random(seed);
    for (Rows* rows : {&gate, &up, &dy}) rows->fill(random);
  }
  ApplyBackwardArgs apply() {
    return {kRows, n, gate.data(), gate.stride(), dy.data(), dy.stride(), dgate.data(), dgate.stride()};
  }
  GatedBackwardArgs gated() {
    return {.rows = kRows,
            .n = n,
            .gate = gate.data(),
            .gate_row = gate.stride(),
            .up = up.data(),
            .up_row = up.stride(),
            .dy = dy.data(),
            .dy_row = dy.stride(),
            .dgate = dgate.data(),
            .dgate_row = dgate.stride(),
            .dup = dup.data(),
            .dup_row = dup.stride()};
  }
  void expect_canaries() {
    for (Rows* rows : {&gate, &up, &dy, &dgate, &dup}) rows->expect_canaries();
  }
};

using ActivationBackwardTest = EveryVariant<BackwardVariant>;
INSTANTIATE_TEST_SUITE_P(Table, ActivationBackwardTest,
                         ::testing::ValuesIn(backward_variants().begin(), backward_variants().end()),
                         variant_test_name<const BackwardVariant*>);

TEST_P(ActivationBackwardTest, HasTheBitsOfTheScalarRow) {
  for (const int64_t n : nasty_lengths())
    for (const Function function : kFunctions) {
      Operands found(n, 1), expected(n, 1);
      variant().apply(function, found.apply());
      backward_scalar.apply(function, expected.apply());
      found.dgate.expect_same_bits(expected.dgate);
      variant().gated(function, found.gated());
      backward_scalar.gated(function, expected.gated());
      found.dgate.expect_same_bits(expected.dgate);
      found.dup.expect_same_bits(expected.dup);
      found.expect_canaries();
    }
}

TEST_P(ActivationBackwardTest, HasTheBitsOfTheScalarRowForAnyFloat) {
  std::mt19937 random(2);
  for (const Function function : kFunctions) {
    Operands found(4097, 2), expected(4097, 2);
    found.gate.for_each([&](int64_t i, int64_t j) {
      return expected.gate.at(i, j) = std::bit_cast<float>(static_cast<uint32_t>(random()));
    });
    variant().gated(function, found.gated());
    backward_scalar.gated(function, expected.gated());
    found.dgate.expect_same_bits(expected.dgate);
    found.dup.expect_same_bits(expected.dup);
  }
}

// Slopes are of the order of 1, where absolute errors count; that of exp grows with its argument.
TEST_P(ActivationBackwardTest, SlopesAreNearFloat64) {
  for (const Function function : kFunctions) {
    constexpr int64_t kPoints = 10001;
    Operands o(kPoints, 3);
    o.gate.for_each([&](int64_t i, int64_t j) {
      const float reach = i == 0 ? 6.0f : i == 1 ? 20.0f : 80.0f;
      return (static_cast<float>(j) / 5000.0f - 1.0f) * reach;
    });
    o.dy.for_each([](int64_t, int64_t) { return 1.0f; });
    variant().apply(function, o.apply());
    for (int64_t i = 0; i < Operands::kRows; ++i)
      for (int64_t j = 0; j < kPoints; ++j) {
        const double x = double{o.gate.at(i, j)}, exact = reference_slope(function, x);
        ASSERT_NEAR(o.dgate.at(i, j), exact, 6e-7 * std::max(1.0, std::fabs(exact))) << function_name(function) << x;
      }
  }
}

TEST_P(ActivationBackwardTest, AGateGoesThroughItsValueAndItsSlope) {
  for (const Function function : kFunctions) {
    Operands o(100, 4), value(100, 4), slope(100, 4);
    variant().gated(function, o.gated());
    table_scalar.apply(
        function, {Operands::kRows, 100, value.gate.data(), value.gate.stride(), value.dup.data(), value.dup.stride()});
    slope.dy.for_each([&](int64_t i, int64_t j) { return slope.dy.at(i, j) * slope.up.at(i, j); });
    variant().apply(function, slope.apply());
    o.dgate.expect_same_bits(slope.dgate);
    o.dup.for_each([&](int64_t i, int64_t j) {
      EXPECT_EQ(o.dup.at(i, j), o.dy.at(i, j) * value.dup.at(i, j)) << function_name(function);
      return o.dup.at(i, j);
    });
  }
}

TEST_P(ActivationBackwardTest, WritesOverItsOperands) {
  for (const int64_t n : {1, 16, 17, 100}) {
    Operands apart(n, 5);
    variant().gated(Function::silu, apart.gated());
    for (const bool gate_over_dy : {false, true}) {
      Operands over(n, 5);
      Rows& dgate = gate_over_dy ? over.dy : over.gate;
      Rows& dup = gate_over_dy ? over.up : over.dy;
      GatedBackwardArgs a = over.gated();
      a.dgate = dgate.data(), a.dgate_row = dgate.stride();
      a.dup = dup.data(), a.dup_row = dup.stride();
      variant().gated(Function::silu, a);
      dgate.expect_same_bits(apart.dgate);
      dup.expect_same_bits(apart.dup);
    }
    variant().apply(Function::silu, apart.apply());
    for (const bool over_dy : {false, true}) {
      Operands over(n, 5);
      Rows& dx = over_dy ? over.dy : over.gate;
      ApplyBackwardArgs a = over.apply();
      a.dx = dx.data(), a.dx_row = dx.stride();
      variant().apply(Function::silu, a);
      dx.expect_same_bits(apart.dgate);
    }
  }
}

TEST_P(ActivationBackwardTest, SlopesHaveTheirLimits) {
  for (const Function function : {Function::relu, Function::silu, Function::gelu_erf, Function::gelu_tanh}) {
    Operands o(4, 6);
    o.dy.for_each([](int64_t, int64_t) { return 1.0f; });
    const float x[] = {kInf, -kInf, 3e38f, -3e38f};
    o.gate.for_each([&](int64_t, int64_t j) { return x[j]; });
    variant().apply(function, o.apply());
    for (int64_t j = 0; j < 4; ++j) EXPECT_EQ(o.dgate.at(0, j), j % 2 == 0 ? 1.0f : 0.0f) << function_name(function);
  }
}

TEST_P(ActivationBackwardTest, ANanIsPassedOn) {
  for (const Function function : kFunctions) {
    Operands o(2, 7);
    o.gate.at(0, 0) = kNan;
    o.dy.at(1, 1) = kNan;
    variant().apply(function, o.apply());
    EXPECT_EQ(std::isnan(o.dgate.at(0, 0)), function != Function::relu) << function_name(function);
    EXPECT_TRUE(std::isnan(o.dgate.at(1, 1)));
    EXPECT_FALSE(std::isnan(o.dgate.at(0, 1)) || std::isnan(o.dgate.at(1, 0)));
  }
}

TEST(ActivationBackward, ReferenceHasTheSlopesOfItsFunction) {
  for (const Function function : kFunctions)
    for (double x = -8.0; x <= 8.0; x += 0.03125 + 1e-4) {
      const double step = 1e-5;
      const double slope = (reference(function, x + step) - reference(function, x - step)) / (2 * step);
      EXPECT_NEAR(reference_slope(function, x), slope, 1e-8 * std::max(1.0, std::fabs(slope)))
          << function_name(function) << " at " << x;
    }
}

TEST(ActivationBackward, TableGivesTheBestOfAMachine) {
  EXPECT_EQ(best_backward(0).isa, Isa::scalar);
  EXPECT_EQ(&best_backward(isa_needs(backward_variants().front()->isa)), backward_variants().front());
}

}  // namespace
}  // namespace lathe::activation
