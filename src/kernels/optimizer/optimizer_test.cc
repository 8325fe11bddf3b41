#include "kernels/optimizer/optimizer.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/common/row_testing.h"

namespace lathe::optimizer {
namespace {

using namespace kernels::testing;

struct Rates {
  double lr = 1e-2, beta1 = 0.9, beta2 = 0.95, eps = 1e-8, decay = 0.1, gradient_scale = 0.5;
};

// The arrays of n elements, and what a step has done to them in f32 and in float64.
struct Operands {
  int64_t n;
  Rows w, g, m, v;

  Operands(int64_t elements, uint32_t seed) : n(elements), w(1, n, 1), g(1, n, 2), m(1, n, 3), v(1, n, 5) {
    std::mt19937 random(seed);
    w.fill(random), g.fill(random);
    m.for_each([](int64_t, int64_t) { return 0.0f; });
    v.for_each([](int64_t, int64_t) { return 0.0f; });
  }
  AdamWArgs args(const Rates& r, int step) {
    return {.n = n,
            .w = w.data(),
            .g = g.data(),
            .m = m.data(),
            .v = v.data(),
            .gradient_scale = static_cast<float>(r.gradient_scale),
            .keep = static_cast<float>(1 - r.lr * r.decay),
            .beta1 = static_cast<float>(r.beta1),
            .beta2 = static_cast<float>(r.beta2),
            .step = static_cast<float>(r.lr / (1 - std::pow(r.beta1, step))),
            .root = static_cast<float>(1 / std::sqrt(1 - std::pow(r.beta2, step))),
            .eps = static_cast<float>(r.eps)};
  }
  void expect_same_bits(Operands& other) {
    w.expect_same_bits(other.w), m.expect_same_bits(other.m), v.expect_same_bits(other.v);
  }
};

using OptimizerTest = EveryVariant<Variant>;
INSTANTIATE_TEST_SUITE_P(Table, OptimizerTest, ::testing::ValuesIn(variants().begin(), variants().end()),
                         variant_test_name<const Variant*>);

TEST_P(OptimizerTest, HasTheBitsOfTheScalarRow) {
  for (const int64_t n : nasty_lengths()) {
    Operands found(n, 1), expected(n, 1);
    for (int step = 1; step <= 3; ++step) {
      variant().adamw(found.args({}, step));
      table_scalar.adamw(expected.args({}, step));
      variant().add(found.g.data(), found.w.data(), n);
      table_scalar.add(expected.g.data(), expected.w.data(), n);
      EXPECT_EQ(variant().square_sum(found.g.data(), n), table_scalar.square_sum(expected.g.data(), n)) << n;
    }
    found.expect_same_bits(expected);
    found.g.expect_same_bits(expected.g);
    for (Rows* rows : {&found.w, &found.g, &found.m, &found.v}) rows->expect_canaries();
  }
}

// torch.optim.AdamW, in the order of its documentation and in float64, with a gradient that changes every step.
TEST_P(OptimizerTest, StepsAsAdamWInFloat64) {
  const Rates r;
  Operands o(33, 2);
  std::vector<double> w(o.w.row(0).begin(), o.w.row(0).end()), m(33, 0.0), v(33, 0.0);
  std::mt19937 random(3);
  for (int step = 1; step <= 50; ++step) {
    o.g.fill(random);
    variant().adamw(o.args(r, step));
    for (size_t i = 0; i < w.size(); ++i) {
      const double g = double{o.g.at(0, static_cast<int64_t>(i))} * r.gradient_scale;
      w[i] -= r.lr * r.decay * w[i];
      m[i] = r.beta1 * m[i] + (1 - r.beta1) * g;
      v[i] = r.beta2 * v[i] + (1 - r.beta2) * g * g;
      const double m_hat = m[i] / (1 - std::pow(r.beta1, step)), v_hat = v[i] / (1 - std::pow(r.beta2, step));
      w[i] -= r.lr * m_hat / (std::sqrt(v_hat) + r.eps);
      // A step rounds w twice, and the factor it is multiplied with was rounded too.
      EXPECT_NEAR(o.w.at(0, static_cast<int64_t>(i)), w[i], step * 0x1p-22 * std::max(1.0, std::fabs(w[i]))) << step;
      EXPECT_NEAR(o.m.at(0, static_cast<int64_t>(i)), m[i], 1e-6) << "step " << step;
      EXPECT_NEAR(o.v.at(0, static_cast<int64_t>(i)), v[i], 1e-5) << "step " << step;
    }
  }
}

// The first step goes against the sign of the gradient, by the learning rate whatever its size.
TEST_P(OptimizerTest, TheFirstStepIsTheLearningRate) {
  Operands o(20, 4);
  const Rates r = {.lr = 0.25, .decay = 0.0, .gradient_scale = 1.0};
  o.w.for_each([](int64_t, int64_t) { return 1.0f; });
  o.g.for_each(
      [](int64_t, int64_t j) { return (j % 2 == 0 ? 1.0f : -1.0f) * std::pow(10.0f, static_cast<float>(j % 5)); });
  variant().adamw(o.args(r, 1));
  for (int64_t j = 0; j < 20; ++j) EXPECT_NEAR(o.w.at(0, j), j % 2 == 0 ? 0.75f : 1.25f, 1e-6);
}

TEST_P(OptimizerTest, SquaresAreAddedInFloat64) {
  std::vector<float> g(1 << 20, 1e-3f);
  g[17] = 1e3f;
  const double exact = 1e6 + (static_cast<double>(g.size()) - 1) * double{1e-3f} * double{1e-3f};
  EXPECT_NEAR(variant().square_sum(g.data(), static_cast<int64_t>(g.size())), exact, 1e-6);
  EXPECT_EQ(variant().square_sum(g.data(), 0), 0.0);
  g[5] = kNan;
  EXPECT_TRUE(std::isnan(variant().square_sum(g.data(), 7)));
}

// The contract of optimizer.h once more, step by step.
TEST(Optimizer, RoundsAsTheContractSays) {
  Operands o(19, 5), before(19, 5);
  std::mt19937 random(6);
  o.m.fill(random);
  o.v.for_each([&](int64_t i, int64_t j) { return o.m.at(i, j) * o.m.at(i, j); });
  before.m.for_each([&](int64_t i, int64_t j) { return o.m.at(i, j); });
  before.v.for_each([&](int64_t i, int64_t j) { return o.v.at(i, j); });
  const AdamWArgs a = o.args({}, 7);
  table_scalar.adamw(a);
  for (int64_t j = 0; j < 19; ++j) {
    const float h = before.g.at(0, j) * a.gradient_scale;
    const float m = std::fma(1.0f - a.beta1, h - before.m.at(0, j), before.m.at(0, j));
    const float v = std::fma(a.beta2, before.v.at(0, j), (1.0f - a.beta2) * (h * h));
    const float kept = before.w.at(0, j) * a.keep, change = a.step * m / (std::sqrt(v) * a.root + a.eps);
    EXPECT_EQ(o.m.at(0, j), m);
    EXPECT_EQ(o.v.at(0, j), v);
    EXPECT_EQ(o.w.at(0, j), kept - change);
  }
}

TEST(Optimizer, TableFindsItsRowsAndTheBestOfAMachine) {
  for (const Variant* row : variants()) EXPECT_EQ(find(row->name), row);
  EXPECT_EQ(find("optimizer.abacus"), nullptr);
  EXPECT_EQ(best(0).isa, Isa::scalar);
}

}  // namespace
}  // namespace lathe::optimizer
