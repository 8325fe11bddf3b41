#include "kernels/attention/causal_attention.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/memory.h"
#include "kernels/attention/causal_attention_reference.h"
#include "kernels/common/gradient_testing.h"
#include "kernels/common/row_testing.h"

namespace lathe::attention {
namespace {

using namespace kernels::testing;

struct Shape {
  int64_t length, head_dim, heads;
  bool causal = true;
};
constexpr Shape kShapes[] = {{1, 1, 1},          {1, 64, 3},         {2, 7, 1},          {7, 16, 2},
                             {16, 17, 1},        {17, 33, 1},        {33, 8, 8},         {63, 48, 1},
                             {64, 64, 1},        {65, 32, 2},        {80, 1, 1},         {100, 24, 4},
                             {128, 5, 2},        {129, 17, 1},       {145, 12, 2},       {1, 3, 2, false},
                             {2, 7, 1, false},   {15, 16, 2, false}, {16, 17, 1, false}, {17, 33, 1, false},
                             {49, 64, 3, false}, {64, 48, 1, false}, {65, 32, 2, false}, {100, 24, 4, false},
                             {128, 5, 2, false}, {145, 12, 2, false}};

// The arrays of one call, each with a stride and a misalignment of its own; q and dq with the heads side by side.
struct Operands {
  Shape shape;
  Rows q, k, v, dy, y, lse, dq, dk, dv;
  Buffer scratch;

  Operands(const Shape& s, uint32_t seed)
      : shape(s),
        q(s.length, s.heads * s.head_dim, 1, 7),
        k(s.length, s.head_dim, 2, 3),
        v(s.length, s.head_dim, 3, 1),
        dy(s.length, s.heads * s.head_dim, 4, 2),
        y(s.length, s.heads * s.head_dim, 5, 2),
        lse(s.heads, s.length, 1, 0),
        dq(s.length, s.heads * s.head_dim, 6, 4),
        dk(s.length, s.head_dim, 7, 5),
        dv(s.length, s.head_dim, 3, 6),
        scratch(*Buffer::create(causal_scratch_bytes(s.length, s.head_dim))) {
    std::mt19937 random(seed);
    for (Rows* rows : {&q, &k, &v, &dy}) rows->fill(random, 1.5f);
    // What a kernel reads of its scratch it has written.
    const size_t floats = static_cast<size_t>(causal_scratch_bytes(s.length, s.head_dim)) / sizeof(float);
    std::fill_n(reinterpret_cast<float*>(scratch.data()), floats, kNan);
  }
  CausalBackwardArgs args() {
    CausalBackwardArgs b;
    CausalArgs& a = b.forward;
    a = {.length = shape.length, .head_dim = shape.head_dim, .heads = shape.heads, .causal = shape.causal};
    a.scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
    a.q = q.data(), a.q_row = q.stride();
    a.k = k.data(), a.k_row = k.stride();
    a.v = v.data(), a.v_row = v.stride();
    a.y = y.data(), a.y_row = y.stride();
    a.lse = lse.data();
    a.scratch = scratch.data();
    b.dy = dy.data(), b.dy_row = dy.stride();
    b.dq = dq.data(), b.dq_row = dq.stride();
    b.dk = dk.data(), b.dk_row = dk.stride();
    b.dv = dv.data(), b.dv_row = dv.stride();
    return b;
  }
  void run(const CausalVariant& variant) {
    variant.forward(args().forward);
    variant.backward(args());
  }
  CausalReference reference() {
    CausalReference r = {.length = shape.length, .head_dim = shape.head_dim, .heads = shape.heads};
    r.scale = args().forward.scale;
    r.causal = shape.causal;
    r.q = doubles(q), r.k = doubles(k), r.v = doubles(v), r.dy = doubles(dy);
    r.forward();
    r.backward();
    return r;
  }
  std::vector<Rows*> outputs() { return {&y, &lse, &dq, &dk, &dv}; }
};

std::string name_of(const Shape& s) {
  return "length " + std::to_string(s.length) + ", head_dim " + std::to_string(s.head_dim) + ", heads " +
         std::to_string(s.heads) + (s.causal ? "" : ", all keys");
}

using CausalAttentionTest = EveryVariant<CausalVariant>;
INSTANTIATE_TEST_SUITE_P(Table, CausalAttentionTest,
                         ::testing::ValuesIn(causal_variants().begin(), causal_variants().end()),
                         variant_test_name<const CausalVariant*>);

TEST_P(CausalAttentionTest, IsNearFloat64) {
  for (const Shape& shape : kShapes) {
    Operands o(shape, 1);
    o.run(variant());
    const CausalReference exact = o.reference();
    expect_close(doubles(o.y), exact.y, 3e-6, "y of " + name_of(shape));
    expect_close(doubles(o.lse), exact.lse, 1e-6, "lse of " + name_of(shape));
    expect_close(doubles(o.dq), exact.dq, 1e-5, "dq of " + name_of(shape));
    expect_close(doubles(o.dk), exact.dk, 1e-5, "dk of " + name_of(shape));
    expect_close(doubles(o.dv), exact.dv, 1e-5, "dv of " + name_of(shape));
  }
}

TEST_P(CausalAttentionTest, HasTheBitsOfTheScalarRow) {
  for (const Shape& shape : kShapes) {
    Operands found(shape, 2), expected(shape, 2);
    found.run(variant());
    expected.run(causal_table_scalar);
    for (size_t i = 0; i < found.outputs().size(); ++i) found.outputs()[i]->expect_same_bits(*expected.outputs()[i]);
    for (Rows* rows : found.outputs()) rows->expect_canaries();
  }
}

// A query sees the keys up to its own: what stands behind changes no bit of y, and of dk and dv only what it adds.
TEST_P(CausalAttentionTest, NoRowSeesWhatComesBehindIt) {
  const Shape shape = {.length = 100, .head_dim = 20, .heads = 2};
  for (const int64_t cut : {1, 16, 50, 64, 99}) {
    Operands whole(shape, 3), head(shape, 3);
    whole.run(variant());
    CausalBackwardArgs b = head.args();
    b.forward.length = cut;
    variant().forward(b.forward);
    for (int64_t i = 0; i < cut; ++i)
      for (int64_t d = 0; d < 40; ++d) ASSERT_EQ(head.y.at(i, d), whole.y.at(i, d)) << "row " << i << " of " << cut;
  }
}

// q, k and v of a fused projection in one buffer, and their gradients in another.
TEST_P(CausalAttentionTest, ReadsAndWritesFusedBuffers) {
  const Shape shape = {.length = 70, .head_dim = 24, .heads = 2};
  Operands apart(shape, 4), fused(shape, 4);
  Rows qkv(70, 4 * 24, 3, 2), gradient(70, 4 * 24, 1, 1);
  qkv.for_each([&](int64_t i, int64_t j) {
    return j < 48 ? fused.q.at(i, j) : j < 72 ? fused.k.at(i, j - 48) : fused.v.at(i, j - 72);
  });
  apart.run(variant());
  CausalBackwardArgs b = fused.args();
  b.forward.q = qkv.data(), b.forward.k = qkv.data() + 48, b.forward.v = qkv.data() + 72;
  b.forward.q_row = b.forward.k_row = b.forward.v_row = qkv.stride();
  b.dq = gradient.data(), b.dk = gradient.data() + 48, b.dv = gradient.data() + 72;
  b.dq_row = b.dk_row = b.dv_row = gradient.stride();
  variant().forward(b.forward);
  variant().backward(b);
  fused.y.expect_same_bits(apart.y);
  gradient.expect_canaries();
  gradient.for_each([&](int64_t i, int64_t j) {
    const float expected = j < 48 ? apart.dq.at(i, j) : j < 72 ? apart.dk.at(i, j - 48) : apart.dv.at(i, j - 72);
    EXPECT_EQ(gradient.at(i, j), expected) << "row " << i << ", element " << j;
    return expected;
  });
}

TEST_P(CausalAttentionTest, HugeScoresOverflowNothing) {
  Operands o({.length = 90, .head_dim = 16, .heads = 2}, 5);
  o.q.for_each([&](int64_t i, int64_t j) { return 1e4f * o.q.at(i, j); });
  o.run(variant());
  for (Rows* rows : o.outputs())
    rows->for_each([&](int64_t i, int64_t j) {
      EXPECT_TRUE(std::isfinite(rows->at(i, j))) << "row " << i << ", element " << j;
      return rows->at(i, j);
    });
}

TEST_P(CausalAttentionTest, ANanQueryMakesItsRowNan) {
  Operands clean({.length = 70, .head_dim = 16, .heads = 1}, 6), dirty({.length = 70, .head_dim = 16, .heads = 1}, 6);
  dirty.q.at(20, 3) = kNan;
  variant().forward(clean.args().forward);
  variant().forward(dirty.args().forward);
  for (int64_t i = 0; i < 70; ++i)
    for (int64_t d = 0; d < 16; ++d) {
      if (i == 20) {
        EXPECT_TRUE(std::isnan(dirty.y.at(i, d)));
      } else {
        EXPECT_PRED2(same_bits, dirty.y.at(i, d), clean.y.at(i, d));
      }
    }
  EXPECT_TRUE(std::isnan(dirty.lse.at(0, 20)));
}

TEST(CausalAttention, ReferenceHasTheSlopesOfItsForward) {
  for (const bool causal : {true, false}) {
    Operands o({.length = 9, .head_dim = 5, .heads = 2, .causal = causal}, 7);
    CausalReference r = o.reference();
    const auto loss = [&] {
      r.forward();
      return dot(r.y, r.dy);
    };
    expect_close(r.dq, central_differences(r.q, loss), 1e-8, "dq");
    expect_close(r.dk, central_differences(r.k, loss), 1e-8, "dk");
    expect_close(r.dv, central_differences(r.v, loss), 1e-8, "dv");
  }
}

TEST(CausalAttention, TableGivesTheBestOfAMachine) {
  EXPECT_EQ(best_causal(0).isa, Isa::scalar);
  EXPECT_EQ(&best_causal(isa_needs(causal_variants().front()->isa)), causal_variants().front());
}

}  // namespace
}  // namespace lathe::attention
