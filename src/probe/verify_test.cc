#include "probe/verify.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "kernels/common/scalar_math.h"
#include "probe/elements.h"

namespace lathe::probe {
namespace {

using matmul::Activation;
using matmul::Order;
using matmul::Problem;
using matmul::Type;

Operands make(const Problem& p, Team& team) {
  const WeightKey key = {p.n, p.k, p.prepared ? 1 : p.batch, 1, p.w, p.order, p.gated, false, 7};
  auto w = WeightOperands::create(key, team);
  EXPECT_TRUE(w.ok()) << w.status().message();
  auto x = Operands::create(p, *w, 1, p.w == Type::f32, 7, team);
  EXPECT_TRUE(x.ok()) << x.status().message();
  x->poison();
  return std::move(*x);
}

float activate(Activation act, float v) {
  switch (act) {
    case Activation::relu:
      return kernels::relu_f32(v);
    case Activation::gelu_erf:
      return kernels::gelu_erf_f32(v);
    case Activation::gelu_tanh:
      return kernels::gelu_tanh_f32(v);
    case Activation::silu:
      return kernels::silu_f32(v);
    default:
      return v;
  }
}

// The contract's arithmetic in f32, without term `skip` of every sum (-1: none).
float sum_of(const Operands& x, int64_t batch, int64_t i, int64_t j, int64_t skip) {
  const Problem& p = x.problem;
  const WeightKey& key = x.w->key();
  const float* a = x.a_floats() + batch * p.m * p.k;
  const float* w = x.w->values() + (key.matrices > 1 ? batch * key.columns() * p.k : 0);
  float acc = 0;
  for (int64_t k = 0; k < p.k; ++k)
    if (k != skip)
      acc = std::fma(a[p.a_transposed ? k * p.m + i : i * p.k + k],
                     w[p.order == Order::nk ? j * p.k + k : k * key.columns() + j], acc);
  return x.w->scale() != nullptr ? acc * x.w->scale()[j] : acc;
}

float output(const Operands& x, int64_t batch, int64_t i, int64_t j, int64_t skip = -1) {
  const Problem& p = x.problem;
  const matmul::Epilogue e = x.epilogue();
  const int64_t at = (batch * p.m + i) * p.n + j;
  const auto before = [&](int64_t column) {
    float v = sum_of(x, batch, i, column, skip);
    if (e.col_scale != nullptr) v *= e.col_scale[column];
    if (e.beta != 0) v = std::fma(e.beta, x.c_old.as<float>()[at], v);
    if (e.bias != nullptr) v += e.bias[column];
    return v;
  };
  float v = activate(p.act, before(j));
  if (p.gated) v *= before(p.n + j);
  if (e.residual != nullptr) v += e.residual[at];
  return v;
}

void store(Operands& x, int64_t at, float value) {
  std::byte* c = x.c.data();
  const auto put = [&](auto v) { std::memcpy(c + at * static_cast<int64_t>(sizeof v), &v, sizeof v); };
  if (x.problem.c == Type::bf16) return put(to_bf16(value));
  if (x.problem.c == Type::f16) return put(to_f16(value));
  if (x.problem.c == Type::s32) return put(static_cast<int32_t>(value));
  put(value);
}

void compute(Operands& x, int64_t skip = -1) {
  const Problem& p = x.problem;
  for (int64_t batch = 0; batch < p.batch; ++batch)
    for (int64_t i = 0; i < p.m; ++i)
      for (int64_t j = 0; j < p.n; ++j) store(x, (batch * p.m + i) * p.n + j, output(x, batch, i, j, skip));
}

struct Case {
  const char* name;
  std::function<void(Problem&)> change;
};

const Case kCases[] = {
    {"plain", [](Problem&) {}},
    {"kn", [](Problem& p) { p.order = Order::kn; }},
    {"a transposed", [](Problem& p) { p.a_transposed = true, p.order = Order::kn, p.prepared = false; }},
    {"batch", [](Problem& p) { p.batch = 3, p.prepared = false; }},
    {"shared weights", [](Problem& p) { p.batch = 3; }},
    {"one row", [](Problem& p) { p.m = 1; }},
    {"one of everything", [](Problem& p) { p.m = p.n = p.k = 1; }},
    {"bias", [](Problem& p) { p.bias = true; }},
    {"bias gelu", [](Problem& p) { p.bias = true, p.act = Activation::gelu_erf; }},
    {"gelu_tanh residual", [](Problem& p) { p.residual = true, p.act = Activation::gelu_tanh; }},
    {"relu", [](Problem& p) { p.act = Activation::relu; }},
    {"swiglu", [](Problem& p) { p.gated = true, p.act = Activation::silu, p.bias = true; }},
    {"swiglu kn", [](Problem& p) { p.gated = true, p.act = Activation::silu, p.order = Order::kn; }},
    {"accumulate col_scale", [](Problem& p) { p.accumulate = true, p.col_scale = true, p.residual = true; }},
    {"bf16 out", [](Problem& p) { p.c = Type::bf16, p.bias = true; }},
    {"f16 out", [](Problem& p) { p.c = Type::f16; }},
    {"bf16", [](Problem& p) { p.w = Type::bf16; }},
    {"f16", [](Problem& p) { p.w = Type::f16; }},
    {"q8_0", [](Problem& p) { p.w = Type::q8_0; }},
    {"q4_0", [](Problem& p) { p.w = Type::q4_0; }},
    {"i8", [](Problem& p) { p.w = Type::i8; }},
    {"s8", [](Problem& p) { p.a = p.w = Type::s8, p.c = Type::s32; }},
    {"u8", [](Problem& p) { p.a = Type::u8, p.w = Type::s8, p.c = Type::s32; }},
};

class Verify : public testing::Test {
 protected:
  Problem base() const {
    Problem p;
    p.m = 9, p.n = 37, p.k = 67;
    return p;
  }
  static Numerics numerics(const Problem& p) { return p.c == Type::s32 ? Numerics::s32 : Numerics::f32; }

  // Full, and (linear epilogues) by points and projection.
  void for_each_reference(const std::function<void(Operands&, const Reference&)>& body) {
    for (const Case& c : kCases)
      for (const bool full : {true, false}) {
        Problem p = base();
        c.change(p);
        SCOPED_TRACE(std::string(c.name) + (full ? ", full" : ", sampled"));
        Operands x = make(p, *team_);
        const Reference reference = full ? Reference::create(x, 3, *team_) : Reference::create(x, 3, *team_, 0, 0);
        ASSERT_EQ(reference.full(), full);
        body(x, reference);
      }
  }

  std::unique_ptr<Team> team_ = std::move(*Team::create({.threads = 2}));
};

TEST_F(Verify, TheContractInF32IsCorrectInEveryNumerics) {
  for_each_reference([](Operands& x, const Reference& reference) {
    compute(x);
    const Verdict v = verify(x, reference, numerics(x.problem));
    EXPECT_TRUE(v.correct) << v.reason;
    EXPECT_LT(v.nmse, x.problem.c == Type::bf16 ? 1e-4 : 1e-6);
    EXPECT_TRUE(verify(x, reference, Numerics::a16).correct);
    EXPECT_TRUE(verify(x, reference, Numerics::a16r).correct);
  });
}

TEST_F(Verify, APoisonedCIsWrong) {
  for_each_reference([](Operands& x, const Reference& reference) {
    x.poison();
    EXPECT_FALSE(verify(x, reference, numerics(x.problem)).correct);
  });
}

TEST_F(Verify, OneNaNIsFoundWhereverItIs) {
  for_each_reference([](Operands& x, const Reference& reference) {
    if (x.problem.c == Type::s32) return;
    for (const int64_t at : {int64_t{0}, x.c_elements() / 2, x.c_elements() - 1}) {
      compute(x);
      store(x, at, NAN);
      const Verdict v = verify(x, reference, Numerics::f32);
      EXPECT_FALSE(v.correct);
      EXPECT_NE(v.reason.find("not finite"), std::string::npos) << v.reason;
    }
  });
}

// The last term of one sum: the smallest mistake a tail can make. Projections see it anywhere; without one (curved
// epilogues beyond the full limit) the last row and column are among the points.
TEST_F(Verify, OneOutputWithoutItsLastTermIsWrong) {
  for_each_reference([](Operands& x, const Reference& reference) {
    const Problem& p = x.problem;
    if (p.k == 1 || p.c == Type::bf16 || p.c == Type::f16) return;  // a 16-bit store may round it away
    const bool everywhere = reference.full() || !reference.signs().empty();
    compute(x);
    const int64_t i = everywhere ? p.m / 2 : p.m - 1, j = p.n - 1, batch = everywhere ? p.batch - 1 : 0;
    const float right = output(x, batch, i, j), wrong = output(x, batch, i, j, p.k - 1);
    if (std::fabs(right - wrong) < 1e-3f) return;  // relu, or a term that is nearly zero
    store(x, (batch * p.m + i) * p.n + j, wrong);
    const Verdict v = verify(x, reference, numerics(p));
    EXPECT_FALSE(v.correct) << right << " " << wrong;
    EXPECT_FALSE(v.reason.empty());
  });
}

TEST_F(Verify, AMissedTailOfKIsWrongInQuantisedNumericsToo) {
  for_each_reference([](Operands& x, const Reference& reference) {
    if (x.problem.k == 1 || x.problem.c == Type::bf16) return;
    compute(x, x.problem.k - 1);
    for (const Numerics n : {Numerics::f32, Numerics::a16, Numerics::a16r})
      EXPECT_FALSE(verify(x, reference, n).correct) << static_cast<int>(n);
  });
}

TEST_F(Verify, AnOutputInTheWrongPlaceIsWrong) {
  for_each_reference([](Operands& x, const Reference& reference) {
    const Problem& p = x.problem;
    if (p.n < 2) return;
    compute(x);
    const int64_t at = p.n - 1;  // the last column of the first row is in every set of points
    const float last = output(x, 0, 0, p.n - 1), before = output(x, 0, 0, p.n - 2);
    if (last == before) return;  // relu
    store(x, at, before);
    store(x, at - 1, last);
    EXPECT_FALSE(verify(x, reference, numerics(p)).correct);
  });
}

TEST_F(Verify, WritingBeyondCIsWrong) {
  for_each_reference([](Operands& x, const Reference& reference) {
    compute(x);
    x.c.data()[x.c.size() - Operands::kGuard] = std::byte{0};
    const Verdict v = verify(x, reference, numerics(x.problem));
    EXPECT_FALSE(v.correct);
    EXPECT_NE(v.reason.find("beyond"), std::string::npos) << v.reason;
  });
}

TEST_F(Verify, PlainProductsAreWithoutEpilogue) {
  for_each_reference([](Operands& x, const Reference& reference) {
    const Problem& p = x.problem;
    if (x.plain.size() == 0) return;
    const int64_t columns = x.w->key().columns();
    float* c = x.plain.as<float>();
    for (int64_t row = 0; row < p.batch * p.m; ++row)
      for (int64_t j = 0; j < columns; ++j) c[row * columns + j] = sum_of(x, row / p.m, row % p.m, j, -1);
    Verdict v = verify_plain(x, reference);
    EXPECT_TRUE(v.correct) << v.reason;
    c[columns - 1] += 1e-3f;
    v = verify_plain(x, reference);
    EXPECT_FALSE(v.correct);
  });
}

TEST_F(Verify, HashSeesOneBit) {
  Operands x = make(base(), *team_);
  compute(x);
  const uint64_t hash = hash_of_c(x);
  EXPECT_EQ(hash, hash_of_c(x));
  for (const int64_t at : {int64_t{0}, x.c_elements() * 4 - 1}) {
    x.c.data()[at] ^= std::byte{1};
    EXPECT_NE(hash, hash_of_c(x));
    x.c.data()[at] ^= std::byte{1};
  }
}

// f32 errors stay far below the limit and do not grow with K relative to |a||w|: the model of a random walk holds.
TEST_F(Verify, RoundingsStayWithinTheirModelAtLongSums) {
  for (const int64_t k : {100, 1000, 10000}) {
    Problem p;
    p.m = 4, p.n = 64, p.k = k;
    Operands x = make(p, *team_);
    const Reference reference = Reference::create(x, 3, *team_);
    compute(x);
    const Verdict v = verify(x, reference, Numerics::f32);
    EXPECT_TRUE(v.correct) << v.reason;
    EXPECT_LT(v.max_rel, 4 * 0x1p-24);
    EXPECT_GT(v.max_rel, 0);
  }
}

}  // namespace
}  // namespace lathe::probe
