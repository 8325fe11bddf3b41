#include "kernels/attention/attention.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/memory.h"
#include "kernels/common/row_testing.h"

namespace lathe::attention {
namespace {

using namespace kernels::testing;

// Queries, keys and values of one text, fused in one buffer as models have them, each with a misalignment of its own.
struct Operands {
  int64_t keys, head_dim;
  Rows q, k, v, y;
  Buffer scratch;

  Operands(int64_t length, int64_t dim, uint32_t seed)
      : keys(length),
        head_dim(dim),
        q(length, dim, 1, 7),
        k(length, dim, 2, 3),
        v(length, dim, 3, 1),
        y(length, dim, 5, 2),
        scratch(*Buffer::create(scratch_bytes(dim))) {
    std::mt19937 random(seed);
    for (Rows* rows : {&q, &k, &v}) rows->fill(random, 1.5f);
  }
  // Rows [first, first + rows).
  Args args(int64_t first, int64_t rows, int64_t window) {
    Args a = {.rows = rows, .keys = keys, .head_dim = head_dim, .first = first, .q = &q.at(first, 0)};
    a.q_row = q.stride();
    a.k = k.data(), a.k_row = k.stride();
    a.v = v.data(), a.v_row = v.stride();
    a.scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
    a.window = window;
    a.y = &y.at(first, 0), a.y_row = y.stride();
    a.scratch = scratch.data();
    return a;
  }
  bool sees(int64_t i, int64_t j, int64_t window) const { return window < 0 || std::abs(i - j) <= window; }

  // Row i in float64, and how far an f32 row may be from it: an absolute error of a score is a relative one of its
  // exponential, counted in the numerator and in the sum; then the roundings of the chains over the keys.
  void expect_near_float64(int64_t i, int64_t window, float scale) {
    constexpr double kUnit = 0x1p-24;
    std::vector<double> e(static_cast<size_t>(keys), 0.0);
    double top = -kInf, error = 0, sum = 0;
    for (int64_t j = 0; j < keys; ++j) {
      if (!sees(i, j, window)) continue;
      double s = 0, size = 0;
      for (int64_t c = 0; c < head_dim; ++c) {
        s += double{q.at(i, c)} * k.at(j, c);
        size += std::fabs(double{q.at(i, c)} * k.at(j, c));
      }
      e[static_cast<size_t>(j)] = s * scale;
      top = std::max(top, s * scale);
      error = std::max(error, kUnit * scale * (static_cast<double>(head_dim) * size + 4 * std::fabs(s)));
    }
    for (int64_t j = 0; j < keys; ++j) {
      double& w = e[static_cast<size_t>(j)];
      w = sees(i, j, window) ? std::exp(w - top) : 0.0;
      sum += w;
    }
    const double relative = 2 * error + kUnit * (2 * std::fabs(top) + 2 * static_cast<double>(keys) + 16);
    for (int64_t d = 0; d < head_dim; ++d) {
      double exact = 0, size = 0;
      for (int64_t j = 0; j < keys; ++j) {
        exact += e[static_cast<size_t>(j)] / sum * v.at(j, d);
        size += e[static_cast<size_t>(j)] / sum * std::fabs(v.at(j, d));
      }
      ASSERT_NEAR(y.at(i, d), exact, size * relative) << "row " << i << ", element " << d << ", window " << window;
    }
  }
};

struct Shape {
  int64_t keys, head_dim;
};
constexpr Shape kShapes[] = {{1, 1}, {2, 7}, {5, 64}, {16, 12}, {17, 13}, {63, 8}, {64, 24}, {65, 32}, {130, 20}};
constexpr int64_t kWindows[] = {-1, 0, 20, 70};

using AttentionTest = EveryVariant<Variant>;
INSTANTIATE_TEST_SUITE_P(Table, AttentionTest, ::testing::ValuesIn(variants().begin(), variants().end()),
                         variant_test_name<const Variant*>);

TEST_P(AttentionTest, IsNearFloat64) {
  for (const auto& [keys, head_dim] : kShapes)
    for (const int64_t window : kWindows) {
      Operands o(keys, head_dim, 1);
      const Args a = o.args(0, keys, window);
      variant().run(a);
      for (int64_t i = 0; i < keys; ++i) o.expect_near_float64(i, window, a.scale);
      for (Rows* rows : {&o.q, &o.k, &o.v, &o.y}) rows->expect_canaries();
    }
}

TEST_P(AttentionTest, HasTheBitsOfTheScalarRow) {
  for (const auto& [keys, head_dim] : kShapes)
    for (const int64_t window : kWindows) {
      Operands found(keys, head_dim, 2), expected(keys, head_dim, 2);
      variant().run(found.args(0, keys, window));
      table_scalar.run(expected.args(0, keys, window));
      found.y.expect_same_bits(expected.y);
    }
}

TEST_P(AttentionTest, HowRowsAreCutIntoRunsChangesNoBit) {
  for (const int64_t window : kWindows) {
    Operands whole(150, 20, 3);
    variant().run(whole.args(0, 150, window));
    for (const int64_t run : {1, 7, 16, 64, 149}) {
      Operands cut(150, 20, 3);
      for (int64_t i = 0; i < 150; i += run) variant().run(cut.args(i, std::min(run, 150 - i), window));
      cut.y.expect_same_bits(whole.y);
    }
  }
}

TEST_P(AttentionTest, HugeScoresOverflowNothing) {
  Operands o(70, 16, 4);
  o.q.for_each([&](int64_t i, int64_t j) { return 1e4f * o.q.at(i, j); });
  variant().run(o.args(0, 70, -1));
  for (int64_t i = 0; i < 70; ++i)
    for (int64_t d = 0; d < 16; ++d) EXPECT_TRUE(std::isfinite(o.y.at(i, d)));
}

TEST_P(AttentionTest, ANanQueryStaysInItsRow) {
  Operands clean(70, 16, 5), dirty(70, 16, 5);
  dirty.q.at(20, 3) = kNan;
  variant().run(clean.args(0, 70, -1));
  variant().run(dirty.args(0, 70, -1));
  for (int64_t i = 0; i < 70; ++i)
    for (int64_t d = 0; d < 16; ++d) {
      if (i == 20) {
        EXPECT_TRUE(std::isnan(dirty.y.at(i, d)));
      } else {
        EXPECT_PRED2(same_bits, dirty.y.at(i, d), clean.y.at(i, d));
      }
    }
}

// A row whose every score is -inf attends to nothing.
TEST_P(AttentionTest, ARowOfMinusInfinityIsZeros) {
  Operands o(3, 4, 6);
  o.k.for_each([](int64_t, int64_t) { return 1.0f; });
  o.q.for_each([](int64_t, int64_t) { return -kInf; });
  variant().run(o.args(0, 3, -1));
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t d = 0; d < 4; ++d) EXPECT_EQ(o.y.at(i, d), 0.0f);
}

TEST(Attention, TableFindsItsRowsAndTheBestOfAMachine) {
  for (const Variant* row : variants()) EXPECT_EQ(find(row->name), row);
  EXPECT_EQ(find("attention.abacus"), nullptr);
  EXPECT_EQ(best(0).isa, Isa::scalar);
}

}  // namespace
}  // namespace lathe::attention
