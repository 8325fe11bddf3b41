#include "ops/linear.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace lathe::ops {
namespace {

using matmul::Order;
using matmul::Type;

std::vector<float> noise(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = uniform(random);
  return values;
}

// The operands of one shape, and what its products give with a team of `threads`.
struct Case {
  LinearShape s;
  std::vector<float> x, w, dy, bias, residual, dw0, db0;
  std::vector<float> y, dx, dw, db;
  double rounding = 0;  // of each factor of a product, relative

  explicit Case(const LinearShape& shape) : s(shape) {
    x = noise(s.rows * s.in, 1), w = noise(s.in * s.out, 2), dy = noise(s.rows * s.out, 3), bias = noise(s.out, 4);
    rounding = s.rounds() ? 0x1p-8 : 0;
    residual = noise(s.rows * s.out, 5), dw0 = noise(s.in * s.out, 6), db0 = noise(s.out, 7);
  }

  void run(int threads, bool accumulate) {
    const auto plans = LinearPlans::create(s, threads);
    ASSERT_TRUE(plans.ok()) << plans.status().message();
    const auto team = std::move(*Team::create({.threads = threads}));
    Buffer workspace = std::move(*Buffer::create(plans->workspace_bytes()));
    Buffer panels = std::move(*Buffer::create(linear_panel_bytes(s.in, s.out, s.weights)));
    Buffer rows = std::move(*Buffer::create(plans->rows_panel_bytes()));
    y.assign(residual.size(), NAN), dx.assign(x.size(), NAN), dw = dw0, db = db0;
    LinearOperands o;
    o.bias = s.bias ? bias.data() : nullptr;
    o.residual = s.residual ? residual.data() : nullptr;
    o.workspace = workspace.data();
    team->run([&](Team::Worker& worker) {
      LinearOperands own = o;
      pack_forward(worker, s, w.data(), panels.data());
      worker.barrier();
      own.panels = panels.data();
      own.counter = 0;
      linear_forward(worker, *plans, own, x.data(), y.data());
      worker.barrier();
      pack_input(worker, s, w.data(), panels.data());
      worker.barrier();
      own.counter = 1;
      linear_input(worker, *plans, own, dy.data(), dx.data());
      if (s.rounds()) pack_rows(worker, s, x.data(), dy.data(), rows.data());
      worker.barrier();
      own.panels = rows.data();
      own.counter = 2;
      linear_weight(worker, *plans, own, x.data(), dy.data(), dw.data(), accumulate);
      linear_bias(worker, optimizer::best(cpu_features()), s, dy.data(), db.data());
    });
  }

  double weight(int64_t i, int64_t o) const {
    return w[static_cast<size_t>(s.order == Order::nk ? o * s.in + i : i * s.out + o)];
  }
  // In units of what n terms below 1 may lose.
  void expect(float found, double exact, int64_t terms) const {
    const double n = static_cast<double>(terms);
    EXPECT_NEAR(found, exact, 2e-7 * std::sqrt(n) * (4 + std::fabs(exact)) + 3 * rounding * std::sqrt(n));
  }
  void compare(bool accumulate) const {
    for (int64_t r = 0; r < s.rows; ++r) {
      const float *xr = x.data() + r * s.in, *dyr = dy.data() + r * s.out;
      for (int64_t o = 0; o < s.out; ++o) {
        const auto at = static_cast<size_t>(r * s.out + o);
        double sum = (s.bias ? bias[static_cast<size_t>(o)] : 0.0) + (s.residual ? residual[at] : 0.0);
        for (int64_t i = 0; i < s.in; ++i) sum += xr[i] * weight(i, o);
        expect(y[at], sum, s.in);
      }
      for (int64_t i = 0; i < s.in; ++i) {
        double sum = 0;
        for (int64_t o = 0; o < s.out; ++o) sum += dyr[o] * weight(i, o);
        expect(dx[static_cast<size_t>(r * s.in + i)], sum, s.out);
      }
    }
    for (int64_t o = 0; o < s.out; ++o) {
      double bias_sum = db0[static_cast<size_t>(o)];
      for (int64_t r = 0; r < s.rows; ++r) bias_sum += dy[static_cast<size_t>(r * s.out + o)];
      expect(db[static_cast<size_t>(o)], bias_sum, s.rows);
      for (int64_t i = 0; i < s.in; ++i) {
        const auto at = static_cast<size_t>(s.order == Order::nk ? o * s.in + i : i * s.out + o);
        double sum = accumulate ? dw0[at] : 0.0;
        for (int64_t r = 0; r < s.rows; ++r)
          sum += static_cast<double>(dy[static_cast<size_t>(r * s.out + o)]) * x[static_cast<size_t>(r * s.in + i)];
        expect(dw[at], sum, s.rows);
      }
    }
  }
};

// One, two and three slices of k, blocks of rows and of columns that are not full, columns beyond the last panel.
TEST(Linear, ProductsAreThoseOfTheDefinition) {
  for (const auto& [rows, in, out] :
       {std::array<int64_t, 3>{1, 1, 1}, {3, 5, 37}, {150, 321, 20}, {331, 20, 641}, {13, 330, 2100}})
    for (const Type weights : {Type::f32, Type::bf16_b16})
      for (const Order order : {Order::nk, Order::kn})
        for (const bool accumulate : {true, false}) {
          SCOPED_TRACE(testing::Message()
                       << rows << " x " << in << " x " << out << " " << order_name(order) << " " << type_name(weights));
          Case c({rows, in, out, order, !accumulate, accumulate, weights});
          c.run(2, accumulate);
          c.compare(accumulate);
        }
}

// One, two and three slices of bf16, which are longer.
TEST(Linear, RoundedProductsAddLongSlices) {
  Case c({70, 1040, 2080, Order::nk, true, true, Type::bf16_b16});
  c.run(2, true);
  c.compare(true);
}

TEST(Linear, BitsDoNotDependOnThreads) {
  for (const Type weights : {Type::f32, Type::bf16_b16})
    for (const Order order : {Order::nk, Order::kn}) {
      Case one({401, 330, 350, order, true, true, weights});
      one.run(1, true);
      for (const int threads : {2, 3, 7}) {
        Case several = one;
        several.run(threads, true);
        EXPECT_EQ(several.y, one.y) << threads;
        EXPECT_EQ(several.dx, one.dx) << threads;
        EXPECT_EQ(several.dw, one.dw) << threads;
        EXPECT_EQ(several.db, one.db) << threads;
      }
    }
}

}  // namespace
}  // namespace lathe::ops
