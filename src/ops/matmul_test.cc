// Every variant of the table against float64, and the promise of one order of addition.
#include "ops/matmul.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "ops/regimes.h"
#include "ops/test_product.h"

namespace lathe::ops {
namespace {

using matmul::Activation;
using matmul::Epilogue;
using matmul::Layout;
using matmul::Order;
using matmul::Problem;
using matmul::Type;
using matmul::Variant;

// Under an emulator a product costs a thousand times more: fewer, smaller shapes.
bool emulated() { return std::getenv("LATHE_TEST_EMULATED") != nullptr; }

std::vector<const Variant*> runnable() {
  std::vector<const Variant*> rows;
  for (const Variant* v : matmul::variants())
    if (has_all(cpu_features(), isa_needs(v->isa))) rows.push_back(v);
  return rows;
}

Problem problem_of(const Variant& v, int64_t m, int64_t n, int64_t k) {
  Problem p;
  p.m = std::max<int64_t>(1, v.m_max != 0 ? std::min(m, v.m_max) : m);
  p.n = n;
  p.k = std::max<int64_t>(1, k);
  if (matmul::k_unit(v.w) > matmul::kBlock) p.k = round_up(p.k, matmul::k_unit(v.w));
  p.a = v.a;
  p.w = v.w;
  p.c = std::string(v.numerics) == "s32" ? Type::s32 : Type::f32;
  p.prepared = v.layout != Layout::rows_f32 && v.layout != Layout::cols_f32;
  p.order = v.layout == Layout::rows_f32 ? Order::kn : Order::nk;
  return p;
}

// Shapes around every edge that a row's own metadata names.
std::vector<std::array<int64_t, 3>> shapes_of(const Variant& v) {
  const int64_t mr = v.mr, nr = v.nr, kc = v.kc;
  std::vector<std::array<int64_t, 3>> shapes = {
      {1, 1, 1},      {1, nr, 32},         {mr, nr, kc},    {mr + 1, nr + 1, 33}, {2 * mr - 1, 2 * nr - 1, 31},
      {1, 3 * nr, 7}, {mr - 1, 1, kc + 1}, {5, 40, kc - 1}, {2 * mr + 1, 15, 64}, {3, 17, 2 * kc + 5},
  };
  if (!emulated()) {
    shapes.push_back({37, 100, 300});
    shapes.push_back({200, 33, 129});
    shapes.push_back({13, 257, 1024});
  }
  return shapes;
}

class EveryVariant : public ::testing::TestWithParam<const Variant*> {
 protected:
  void SetUp() override {
    if (!has_all(cpu_features(), isa_needs(GetParam()->isa)))
      GTEST_SKIP() << "this CPU lacks " << missing_features(cpu_features(), isa_needs(GetParam()->isa));
  }
};

INSTANTIATE_TEST_SUITE_P(Matmul, EveryVariant, ::testing::ValuesIn(matmul::variants()), VariantTestName());

TEST_P(EveryVariant, MatchesFloat64) {
  const Variant& v = *GetParam();
  auto team = Team::create({.threads = 2});
  ASSERT_TRUE(team.ok());
  for (const auto& [m, n, k] : shapes_of(v)) {
    TestProduct product(problem_of(v, m, n, k), /*seed=*/static_cast<uint64_t>(m * 1000 + n + k + 2));
    ASSERT_TRUE(product.run(&v, **team).ok()) << v.name;
    const Comparison c = product.compare();
    EXPECT_LE(c.worst, 1.0) << v.name << " " << m << "x" << n << "x" << k << ": error over its bound at row " << c.row
                            << ", column " << c.column << ": " << c.found << " for " << c.expected;
    EXPECT_TRUE(product.canaries_intact()) << v.name << " wrote outside C at " << m << "x" << n << "x" << k;
  }
}

TEST_P(EveryVariant, EpilogueStepsInOrder) {
  const Variant& v = *GetParam();
  if (std::string(v.numerics) == "s32") GTEST_SKIP() << "an s32 result has no float epilogue";
  auto team = Team::create({.threads = 1});
  ASSERT_TRUE(team.ok());
  for (const Type c : {Type::f32, Type::bf16, Type::f16})
    for (const Activation act :
         {Activation::none, Activation::relu, Activation::gelu_erf, Activation::gelu_tanh, Activation::silu})
      for (const bool gated : {false, true}) {
        Problem p = problem_of(v, 7, 37, 40);
        if (gated && !p.prepared) continue;
        p.c = c;
        p.act = act;
        p.gated = gated;
        p.bias = p.residual = true;
        p.accumulate = p.col_scale = !gated;
        TestProduct product(p, 11);
        ASSERT_TRUE(product.run(&v, **team).ok()) << v.name;
        const Comparison result = product.compare();
        EXPECT_LE(result.worst, 1.0) << v.name << " " << activation_name(act) << (gated ? " gated" : "") << " into "
                                     << type_name(c) << ": " << result.found << " for " << result.expected;
      }
}

// The promise: bits depend on the numerics alone. Every variant of the same numerics and weights, every number of
// threads, and every row alone or within the batch.
TEST_P(EveryVariant, SameBitsAsTheScalarVariant) {
  const Variant& v = *GetParam();
  std::mt19937_64 rng(7);
  const int rounds = emulated() ? 3 : 12;
  for (int round = 0; round < rounds; ++round) {
    const int64_t m = 1 + static_cast<int64_t>(rng() % 40), n = 1 + static_cast<int64_t>(rng() % 90),
                  k = 1 + static_cast<int64_t>(rng() % (round % 4 == 0 ? 1100 : 200));
    Problem p = problem_of(v, m, n, k);
    p.a_transposed = round % 3 == 2 && v.a == Type::f32;
    if (p.c == Type::f32) p.act = static_cast<Activation>(rng() % 5);
    TestProduct product(p, rng());
    const Variant* scalar = nullptr;
    for (const Variant* other : matmul::variants())
      if (other->isa == Isa::scalar && matmul::refusal(*other, p, cpu_features()).empty()) scalar = other;
    ASSERT_NE(scalar, nullptr);
    auto one = Team::create({.threads = 1});
    ASSERT_TRUE(product.run(scalar, **one).ok());
    const std::vector<std::byte> expected = product.result();
    for (int threads = 1; threads <= (emulated() ? 1 : 4); ++threads) {
      auto team = Team::create({.threads = threads});
      ASSERT_TRUE(product.run(&v, **team).ok());
      ASSERT_EQ(expected, product.result()) << v.name << " differs from " << scalar->name << " at " << m << "x" << n
                                            << "x" << k << " with " << threads << " threads";
    }
    const int64_t row = static_cast<int64_t>(rng() % static_cast<uint64_t>(p.m));
    ASSERT_TRUE(product.run_row_alone(&v, **one, row).ok());
    ASSERT_EQ(product.row_of(expected, row), product.row_of(product.result(), row))
        << v.name << ": row " << row << " of " << m << "x" << n << "x" << k << " differs when it runs alone";
  }
}

TEST_P(EveryVariant, NonFiniteActivationsReachTheirRowOnly) {
  const Variant& v = *GetParam();
  if (v.a != Type::f32) GTEST_SKIP() << "integer activations are always finite";
  auto team = Team::create({.threads = 1});
  for (const float poison : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    const Problem p = problem_of(v, 5, 20, 70);
    TestProduct product(p, 3);
    product.a_at(p.m / 2, 33) = poison;
    ASSERT_TRUE(product.run(&v, **team).ok());
    for (int64_t i = 0; i < p.m; ++i)
      for (int64_t j = 0; j < p.n; ++j) EXPECT_EQ(std::isfinite(product.c_at(i, j)), i != p.m / 2) << v.name;
  }
}

TEST(MatmulPlan, BatchedProductsOnUnpreparedOperands) {
  for (const Order order : {Order::nk, Order::kn}) {
    Problem p;
    p.m = 19;
    p.n = 23;
    p.k = 29;
    p.batch = 5;
    p.prepared = false;
    p.order = order;
    for (int threads = 1; threads <= 3; ++threads) {
      auto team = Team::create({.threads = threads});
      TestProduct product(p, 5);
      ASSERT_TRUE(product.run(nullptr, **team).ok());
      EXPECT_LE(product.compare().worst, 1.0);
      EXPECT_TRUE(product.canaries_intact());
    }
  }
}

TEST(MatmulPlan, IntegerZeroPoints) {
  for (const Type a : {Type::s8, Type::u8}) {
    Problem p;
    p.m = 9;
    p.n = 21;
    p.k = 75;
    p.a = a;
    p.w = Type::s8;
    p.c = Type::s32;
    auto team = Team::create({.threads = 1});
    TestProduct product(p, 9);
    product.set_zero_points(a == Type::u8 ? 131 : -7);
    ASSERT_TRUE(product.run(nullptr, **team).ok());
    EXPECT_EQ(product.compare().worst, 0.0);
  }
}

// Without a plan, tiles are for whole sums, and from 32 rows on where blocks are scaled one by one (regimes.h).
TEST(MatmulPlan, TilesAreTheDefaultWhereTheyPay) {
  if (matmul::find_variant("amx.s32.u8s8.blocked") == nullptr) GTEST_SKIP() << "another processor's build";
  const FeatureSet amx = isa_needs(Isa::amx) | isa_needs(Isa::avx512_bf16);
  const auto default_of = [&](Type w, Type a, int64_t m) {
    Problem p;
    p.m = m;
    p.n = 64;
    p.k = 256;
    p.a = a;
    p.w = w;
    const auto chosen = choose_variant(p, amx);
    return chosen ? std::string(isa_name((*chosen)->isa)) : chosen.status().message();
  };
  for (const int64_t m : {1, 5, 31}) EXPECT_EQ(default_of(Type::q8_0, Type::f32, m), "avx512_vnni") << m;
  for (const int64_t m : {32, 500}) EXPECT_EQ(default_of(Type::q8_0, Type::f32, m), "amx") << m;
  EXPECT_EQ(default_of(Type::q8_a7, Type::f32, 64), "amx");
  EXPECT_EQ(default_of(Type::q4_k, Type::f32, 64), "avx512_vnni");
  EXPECT_EQ(default_of(Type::i8, Type::f32, 1), "amx");
  EXPECT_EQ(default_of(Type::s8, Type::u8, 1), "amx");
  EXPECT_EQ(default_of(Type::f32, Type::f32, 64), "avx512");
  EXPECT_EQ(default_of(Type::bf16_b16, Type::f32, 64), "amx");
  EXPECT_EQ(default_of(Type::bf16_b16, Type::f32, 1), "avx512_bf16");
}

// The product of rows of one value by columns of one value, by every variant for weights of `type` that runs here.
template <class See>
void multiply_bf16(Type type, const std::vector<float>& row, const std::vector<float>& column, See see) {
  constexpr int64_t kM = 3, kN = 17;
  const auto k = static_cast<int64_t>(row.size());
  std::vector<float> a, w;
  for (int64_t i = 0; i < kM; ++i) a.insert(a.end(), row.begin(), row.end());
  for (int64_t j = 0; j < kN; ++j) w.insert(w.end(), column.begin(), column.end());
  const matmul::Source source = {.data = w.data(), .ld = k};
  const auto weights = Weights::prepare({&source, 1}, kN, k, Layout::panel_b16, nullptr);
  ASSERT_TRUE(weights.ok());
  const auto team = std::move(*Team::create({.threads = 1}));
  for (const Variant* v : matmul::variants()) {
    if (v->w != type || !has_all(cpu_features(), isa_needs(v->isa))) continue;
    const int64_t m = v->m_max == 0 ? kM : std::min(kM, v->m_max);
    const auto plan = MatmulPlan::create({.m = m, .n = kN, .k = k, .w = type}, v, 1);
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    auto workspace = Buffer::create(plan->workspace_bytes());
    std::vector<float> c(static_cast<size_t>(m * kN), 1.0f);
    MatmulOperands x;
    x.a = a.data(), x.lda = k, x.weights = &*weights, x.c = c.data(), x.ldc = kN;
    team->run([&](Team::Worker& worker) { plan->run(worker, x, workspace->data()); });
    for (const float value : c) EXPECT_EQ(value, c.front()) << v->name;
    see(v->name, c.front());
  }
}

// 64 products of 1e-38 each, which is subnormal: a sum that kept them would be 6e-37.
TEST(Bf16, SubnormalNumbersAreZeros) {
  const std::vector<float> small(64, 1e-19f);
  for (const Type type : {Type::bf16_b16, Type::bf16_d16})
    multiply_bf16(type, small, small, [](const char* name, float sum) { EXPECT_EQ(sum, 0.0f) << name; });
  volatile float least = 1e-38f;  // the mode is as it was
  EXPECT_NE(least * 0.5f, 0.0f);
}

// What is inexact goes to the neighbour that is odd, upwards and downwards, and not to the nearest one.
TEST(Bf16, SumsOfD16AreRoundedToOdd) {
  const auto expect = [](float high, float low, float sum) {
    multiply_bf16(Type::bf16_d16, {high, low}, {1.0f, 1.0f}, [&](const char* name, float found) {
      EXPECT_EQ(found, sum) << name << ": " << high << " + " << low;
    });
  };
  constexpr float kUnit = 0x1p-23f;
  expect(1.0f, 0x1p-30f, 1.0f + kUnit);
  expect(1.0f, -0x1p-30f, 1.0f - kUnit / 2);
  expect(-1.0f, 0x1p-30f, -1.0f + kUnit / 2);
  expect(1.0f, 0x1.8p-22f, 1.0f + 3 * kUnit);
  expect(1.0f, 0x1.ap-22f, 1.0f + 3 * kUnit);  // between an odd and an even one
  expect(1.0f, 0x1.ep-23f, 1.0f + kUnit);
  expect(0x1.fep127f, 0x1.fep127f, std::numeric_limits<float>::infinity());
}

TEST(MatmulPlan, RefusesWhatCannotBe) {
  Problem p;
  p.m = 0;
  EXPECT_EQ(MatmulPlan::create(p, nullptr, 1).status().message(), "M is 0; it must be at least 1");
  p.m = int64_t{1} << 40;
  p.k = int64_t{1} << 40;
  EXPECT_NE(MatmulPlan::create(p, nullptr, 1).status().message().find("does not fit in any memory"), std::string::npos);
  p = Problem();
  p.w = Type::q8_0;
  p.prepared = false;
  EXPECT_EQ(MatmulPlan::create(p, nullptr, 1).status().code(), Code::unsupported);
  p.prepared = true;
  const Variant* other = matmul::find_variant("scalar.f32.f32.blocked");
  ASSERT_NE(other, nullptr);
  EXPECT_NE(MatmulPlan::create(p, other, 1).status().message().find("reads weights of type f32"), std::string::npos);
}

TEST(ChooseVariant, TakesTheBestInstructionSetThatIsTrustedWithoutAPlan) {
  for (const Variant* v : matmul::variants()) {
    const Problem p = problem_of(*v, 20, 64, 64);
    const auto chosen = choose_variant(p, isa_needs(v->isa));
    ASSERT_TRUE(chosen.ok()) << v->name;
    EXPECT_TRUE(by_default(**chosen, p)) << (*chosen)->name;
    if (by_default(*v, p)) {
      EXPECT_EQ((*chosen)->isa, v->isa) << v->name << ", chosen " << (*chosen)->name;
    }
  }
}

TEST(Weights, RefuseWrongSources) {
  const float w[4] = {};
  const matmul::Source source = {.type = Type::f32, .data = w, .ld = 1};
  EXPECT_NE(Weights::prepare({&source, 1}, 2, 2, Layout::panel_f32, nullptr).status().message().find("row stride is 1"),
            std::string::npos);
  const matmul::Source blocks = {.type = Type::q8_0, .order = Order::kn, .data = w};
  EXPECT_NE(Weights::prepare({&blocks, 1}, 2, 2, Layout::panel_q8, nullptr).status().message().find("[N,K]"),
            std::string::npos);
}

TEST(Variants, NamesAreUniqueCoordinates) {
  std::vector<std::string> names;
  for (const Variant* v : matmul::variants()) {
    const std::string prefix = std::string(isa_name(v->isa)) + "." + v->numerics + ".";
    EXPECT_EQ(std::string(v->name).rfind(prefix, 0), 0u) << v->name << " does not start with " << prefix;
    EXPECT_EQ(matmul::find_variant(v->name), v) << v->name << " is not unique";
  }
  EXPECT_FALSE(runnable().empty());
}

}  // namespace
}  // namespace lathe::ops
