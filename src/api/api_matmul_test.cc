// The public header: results against a plain loop, the promise of equal bits, and the sentences for bad input.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "lathe/matmul.h"
#include "platform/machine.h"
#include "quant/blocks.h"
#include "tune/plan.h"

namespace lathe {
namespace {

using Floats = std::vector<float>;

Floats random_floats(int64_t count, uint32_t seed) {
  Floats x(static_cast<size_t>(count));
  for (float& v : x) {
    seed = seed * 1664525u + 1013904223u;
    v = static_cast<float>(seed >> 8) * 0x1p-23f - 1.0f;
  }
  return x;
}

Engine engine_of(int threads) { return Engine::create({.threads = threads}).value(); }

// C[i,j] = sum A[i,k] W[j,k] in double.
std::vector<double> plain_product(const Floats& a, const Floats& w, int64_t m, int64_t n, int64_t k) {
  std::vector<double> c(static_cast<size_t>(m * n));
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t x = 0; x < k; ++x)
        c[static_cast<size_t>(i * n + j)] +=
            double{a[static_cast<size_t>(i * k + x)]} * w[static_cast<size_t>(j * k + x)];
  return c;
}

// Operands are at most 1 in magnitude, so K fused steps are off by at most K * K * 2^-24.
double bound(int64_t k) { return static_cast<double>(k * k) * 0x1p-24; }

void expect_near(const Floats& found, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], tolerance) << "element " << i;
}

struct Case {
  int64_t m, n, k;
};
constexpr Case kCases[] = {{1, 1, 1}, {1, 40, 33}, {7, 17, 64}, {65, 200, 100}};

TEST(ApiMatmul, PlainProduct) {
  const Engine engine = engine_of(2);
  for (const auto& [m, n, k] : kCases) {
    const Floats a = random_floats(m * k, 1), w = random_floats(n * k, 2);
    auto weights = PreparedWeights::prepare(engine, {.n = n, .k = k, .data = w.data()});
    ASSERT_TRUE(weights.ok()) << weights.status().message();
    auto product = Matmul::create(engine, {.m = m, .n = n, .k = k});
    ASSERT_TRUE(product.ok()) << product.status().message();
    Floats c(static_cast<size_t>(m * n), NAN);
    const Status status = product->run({.a = a.data(), .weights = &*weights, .c = c.data()});
    ASSERT_TRUE(status.ok()) << status.message();
    expect_near(c, plain_product(a, w, m, n, k), bound(k));
  }
}

TEST(ApiMatmul, StridesLeaveTheGapsAlone) {
  const Engine engine = engine_of(1);
  constexpr int64_t m = 5, n = 19, k = 23, lda = 30, ldc = 21, ldw = 26;
  const Floats a = random_floats(m * lda, 1), w = random_floats(n * ldw, 2);
  auto weights = PreparedWeights::prepare(engine, {.n = n, .k = k, .ld = ldw, .data = w.data()});
  auto product = Matmul::create(engine, {.m = m, .n = n, .k = k});
  Floats c(m * ldc, 77.0f);
  ASSERT_TRUE(product->run({.a = a.data(), .lda = lda, .weights = &*weights, .c = c.data(), .ldc = ldc}).ok());
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < ldc; ++j) {
      double expected = j < n ? 0 : 77;
      for (int64_t x = 0; j < n && x < k; ++x)
        expected += double{a[static_cast<size_t>(i * lda + x)]} * w[static_cast<size_t>(j * ldw + x)];
      ASSERT_NEAR(c[static_cast<size_t>(i * ldc + j)], expected, j < n ? bound(k) : 0) << i << ", " << j;
    }
}

TEST(ApiMatmul, GatedWithBiasAndResidual) {
  const Engine engine = engine_of(2);
  constexpr int64_t m = 9, n = 50, k = 40;
  const Floats a = random_floats(m * k, 1), gate = random_floats(n * k, 2), up = random_floats(n * k, 3);
  const Floats bias = random_floats(2 * n, 4), residual = random_floats(m * n, 5);
  auto weights = PreparedWeights::prepare_gated(engine, {.n = n, .k = k, .data = gate.data()},
                                                {.n = n, .k = k, .data = up.data()});
  ASSERT_TRUE(weights.ok()) << weights.status().message();
  EXPECT_TRUE(weights->gated());
  auto product = Matmul::create(
      engine, {.m = m, .n = n, .k = k, .gated = true, .activation = Activation::silu, .bias = true, .residual = true});
  ASSERT_TRUE(product.ok()) << product.status().message();
  Floats c = residual;  // the residual may be C itself
  const Status status =
      product->run({.a = a.data(), .weights = &*weights, .c = c.data(), .bias = bias.data(), .residual = c.data()});
  ASSERT_TRUE(status.ok()) << status.message();
  std::vector<double> expected = plain_product(a, gate, m, n, k);
  const std::vector<double> ups = plain_product(a, up, m, n, k);
  for (size_t i = 0; i < expected.size(); ++i) {
    const double g = expected[i] + bias[i % n];
    expected[i] = g / (1 + std::exp(-g)) * (ups[i] + bias[n + i % n]) + residual[i];
  }
  expect_near(c, expected, 40 * bound(k));  // either factor is below 40
}

// What the blocks say, in float.
Floats decoded(const std::vector<BlockQ8_0>& blocks) {
  Floats w(blocks.size() * BlockQ8_0::kSize);
  for (size_t b = 0; b < blocks.size(); ++b) decode(blocks[b], w.data() + b * BlockQ8_0::kSize);
  return w;
}

TEST(ApiMatmul, Q8Weights) {
  const Engine engine = engine_of(2);
  constexpr int64_t m = 6, n = 35, k = 96;
  const Floats a = random_floats(m * k, 1), w = random_floats(n * k, 2);
  std::vector<BlockQ8_0> blocks(n * k / BlockQ8_0::kSize);
  for (size_t b = 0; b < blocks.size(); ++b) encode(w.data() + b * BlockQ8_0::kSize, BlockQ8_0::kSize, &blocks[b]);
  const std::vector<double> expected = plain_product(a, decoded(blocks), m, n, k);

  auto from_blocks = PreparedWeights::prepare(engine, {.type = DataType::q8_0, .n = n, .k = k, .data = blocks.data()});
  ASSERT_TRUE(from_blocks.ok()) << from_blocks.status().message();
  auto from_floats = PreparedWeights::prepare(engine, {.n = n, .k = k, .data = w.data()}, DataType::q8_0);
  ASSERT_TRUE(from_floats.ok()) << from_floats.status().message();
  EXPECT_EQ(from_floats->type(), DataType::q8_0);
  EXPECT_LT(from_floats->bytes(), n * k * 2);

  auto product = Matmul::create(engine, {.m = m, .n = n, .k = k, .w = DataType::q8_0});
  ASSERT_TRUE(product.ok()) << product.status().message();
  Floats c(m * n, NAN), other(m * n, NAN);
  ASSERT_TRUE(product->run({.a = a.data(), .weights = &*from_blocks, .c = c.data()}).ok());
  ASSERT_TRUE(product->run({.a = a.data(), .weights = &*from_floats, .c = other.data()}).ok());
  // Activations rounded to 16 bits: each is off by at most 2^-16 of its block's largest.
  expect_near(c, expected, bound(k) + static_cast<double>(k) * 0x1p-16);
  EXPECT_EQ(std::memcmp(c.data(), other.data(), c.size() * sizeof(float)), 0);
}

TEST(ApiMatmul, IntegersWithZeroPoints) {
  const Engine engine = engine_of(1);
  const uint8_t a[] = {250, 3, 128, 77};  // 2 x 2
  const int8_t w[] = {-128, 127, 5, -6};  // 2 x 2
  const int32_t w_zero[] = {1, -2};
  auto weights = PreparedWeights::prepare(engine, {.type = DataType::s8, .n = 2, .k = 2, .data = w});
  ASSERT_TRUE(weights.ok()) << weights.status().message();
  auto product =
      Matmul::create(engine, {.m = 2, .n = 2, .k = 2, .a = DataType::u8, .w = DataType::s8, .c = DataType::s32});
  ASSERT_TRUE(product.ok()) << product.status().message();
  int32_t c[4] = {};
  ASSERT_TRUE(product->run({.a = a, .weights = &*weights, .c = c, .a_zero = 128, .w_zero = w_zero}).ok());
  EXPECT_EQ(c[0], 122 * -129 + -125 * 126);
  EXPECT_EQ(c[1], 122 * 7 + -125 * -4);
  EXPECT_EQ(c[2], -51 * 126);
  EXPECT_EQ(c[3], -51 * -4);
}

TEST(ApiMatmul, BatchOfUnpreparedProductsSideBySideInC) {
  const Engine engine = engine_of(2);
  constexpr int64_t m = 11, n = 8, k = 13, heads = 3;
  const Floats a = random_floats(heads * m * k, 1), w = random_floats(heads * n * k, 2);
  auto product = Matmul::create(engine, {.m = m, .n = n, .k = k, .prepared = false, .batch = heads});
  ASSERT_TRUE(product.ok()) << product.status().message();
  Floats c(m * heads * n, NAN);
  const Status status = product->run({.a = a.data(), .w = w.data(), .c = c.data(), .ldc = heads * n, .c_batch = n});
  ASSERT_TRUE(status.ok()) << status.message();
  for (int64_t h = 0; h < heads; ++h) {
    const Floats ah(a.begin() + h * m * k, a.begin() + (h + 1) * m * k);
    const Floats wh(w.begin() + h * n * k, w.begin() + (h + 1) * n * k);
    Floats ch;
    for (int64_t i = 0; i < m; ++i)
      ch.insert(ch.end(), c.begin() + (i * heads + h) * n, c.begin() + (i * heads + h + 1) * n);
    expect_near(ch, plain_product(ah, wh, m, n, k), bound(k));
  }
}

// One and two threads, every kernel that may be chosen, and a row alone: the same bits.
TEST(ApiMatmul, SameBitsWithAnyThreadsKernelAndCompany) {
  constexpr int64_t m = 40, n = 300, k = 260;
  const Floats a = random_floats(m * k, 1), w = random_floats(n * k, 2);
  const Engine one = engine_of(1), two = engine_of(2);
  ASSERT_EQ(two.threads(), 2);
  for (const DataType type : {DataType::f32, DataType::q8_0, DataType::i8}) {
    auto weights = PreparedWeights::prepare(one, {.n = n, .k = k, .data = w.data()}, type);
    ASSERT_TRUE(weights.ok()) << weights.status().message();
    const MatmulProblem problem = {.m = m, .n = n, .k = k, .w = type};
    Floats expected(m * n, NAN);
    auto product = Matmul::create(one, problem);
    ASSERT_TRUE(product->run({.a = a.data(), .weights = &*weights, .c = expected.data()}).ok());
    const auto rows = Matmul::variants(problem);
    ASSERT_TRUE(rows.ok());
    std::string_view numerics;
    for (const MatmulVariant& v : *rows)
      if (v.name == product->variant()) numerics = v.numerics;
    int compared = 0;
    for (const MatmulVariant& v : *rows) {
      if (!v.refusal.empty() || v.numerics != numerics) continue;
      auto other = Matmul::create(two, problem, v.name);
      ASSERT_TRUE(other.ok()) << other.status().message();
      EXPECT_EQ(other->variant(), v.name);
      Floats c(m * n, NAN);
      ASSERT_TRUE(other->run({.a = a.data(), .weights = &*weights, .c = c.data()}).ok());
      EXPECT_EQ(std::memcmp(c.data(), expected.data(), c.size() * sizeof(float)), 0) << v.name;
      ++compared;
    }
    EXPECT_GE(compared, 1);
    auto alone = Matmul::create(two, {.m = 1, .n = n, .k = k, .w = type});
    Floats row(n, NAN);
    ASSERT_TRUE(alone->run({.a = a.data() + 17 * k, .weights = &*weights, .c = row.data()}).ok());
    EXPECT_EQ(std::memcmp(row.data(), expected.data() + 17 * n, row.size() * sizeof(float)), 0);
  }
}

TEST(ApiMatmul, ThreadsOfTheApplicationTakeTurns) {
  const Engine engine = engine_of(2);
  constexpr int64_t m = 30, n = 256, k = 128;
  const Floats a = random_floats(m * k, 1), w = random_floats(n * k, 2);
  auto weights = PreparedWeights::prepare(engine, {.n = n, .k = k, .data = w.data()});
  std::vector<Floats> results(4, Floats(m * n, NAN));
  {
    std::vector<std::jthread> threads;
    for (Floats& c : results)
      threads.emplace_back([&] {
        auto product = Matmul::create(engine, {.m = m, .n = n, .k = k});
        for (int i = 0; i < 20; ++i)
          EXPECT_TRUE(product->run({.a = a.data(), .weights = &*weights, .c = c.data()}).ok());
      });
  }
  const std::vector<double> expected = plain_product(a, w, m, n, k);
  for (const Floats& c : results) expect_near(c, expected, bound(k));
}

TEST(ApiMatmul, VariantsSayWhyTheyRefuse) {
  const Engine engine = engine_of(1);
  const MatmulProblem problem = {.m = 3, .n = 20, .k = 10};
  const auto choice = Matmul::choose(engine, problem);
  ASSERT_TRUE(choice.ok());
  EXPECT_NE(choice->reason.find("no plan has this product"), std::string::npos) << choice->reason;
  EXPECT_EQ(Matmul::create(engine, problem)->variant(), choice->variant);
  bool chosen_listed = false, refused = false;
  const auto rows = Matmul::variants(problem);
  for (const MatmulVariant& v : *rows) {
    if (v.name == choice->variant) chosen_listed = v.refusal.empty();
    if (v.refusal == "reads weights of type q8_0") refused = true;
  }
  EXPECT_TRUE(chosen_listed);
  EXPECT_TRUE(refused);
}

TEST(ApiMatmul, ThePlanGoesBeforeTheDefault) {
  const std::string path = ::testing::TempDir() + "lathe_api_plan.json";
  matmul::Problem asked;
  asked.m = 3, asked.n = 20, asked.k = 10;
  tune::Plan plan({this_machine().signature, cpu_features(), matmul::variants()});
  const matmul::Variant* planned = matmul::find_variant("scalar.f32.f32.blocked");
  ASSERT_NE(planned, nullptr);
  ASSERT_TRUE(
      plan.add({.problem = asked, .threads = 1, .variant = planned, .ms = 0.5, .share = 0.25, .measured = {}}).ok());
  ASSERT_TRUE(plan.save(path).ok());
  const auto engine = Engine::create({.threads = 1, .plan = path});
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  const auto choice = Matmul::choose(*engine, {.m = 3, .n = 20, .k = 10});
  ASSERT_TRUE(choice.ok());
  EXPECT_EQ(choice->variant, planned->name);
  EXPECT_NE(choice->reason.find("0.5000 ms, 25% of its ceiling"), std::string::npos) << choice->reason;
  EXPECT_EQ(Matmul::create(*engine, {.m = 3, .n = 20, .k = 10})->variant(), planned->name);
  EXPECT_EQ(std::remove(path.c_str()), 0);
  EXPECT_EQ(Engine::create({.plan = path}).status().code(), Code::not_found);
}

// A valid call of a small product, to be spoilt one field at a time.
class BadInput : public ::testing::Test {
 protected:
  std::string create(const MatmulProblem& problem, std::string_view variant = "") {
    return Matmul::create(engine_, problem, variant).status().message();
  }
  std::string prepare(const WeightsView& view) { return PreparedWeights::prepare(engine_, view).status().message(); }
  std::string run(const MatmulProblem& problem, const MatmulOperands& operands) {
    auto product = Matmul::create(engine_, problem);
    EXPECT_TRUE(product.ok()) << product.status().message();
    return product->run(operands).message();
  }

  Engine engine_ = engine_of(1);
  MatmulProblem problem_ = {.m = 2, .n = 3, .k = 4};
  float a_[64] = {}, c_[64] = {}, w_[64] = {};
  PreparedWeights weights_ = PreparedWeights::prepare(engine_, {.n = 3, .k = 4, .data = w_}).value();
  MatmulOperands good_ = {.a = a_, .weights = &weights_, .c = c_};
};

TEST_F(BadInput, NothingIsWrongToBeginWith) { EXPECT_EQ(run(problem_, good_), ""); }

TEST_F(BadInput, Operands) {
  MatmulOperands x = good_;
  x.a = nullptr;
  EXPECT_EQ(run(problem_, x), "a is null; the problem needs it");
  x = good_, x.c = nullptr;
  EXPECT_EQ(run(problem_, x), "c is null; the problem needs it");
  x = good_, x.weights = nullptr;
  EXPECT_EQ(run(problem_, x), "weights are null; the problem needs them");
  x = good_, x.lda = 3;
  EXPECT_EQ(run(problem_, x), "lda is 3; it needs at least 4, or 0 for dense");
  x = good_, x.ldc = -1;
  EXPECT_EQ(run(problem_, x), "ldc is -1; it needs at least 3, or 0 for dense");
  x = good_, x.ldc = INT64_MAX;
  EXPECT_EQ(run(problem_, x), "c has strides that lead beyond any memory");
  x = good_, x.bias = w_;
  EXPECT_EQ(run(problem_, x), "bias is given, and the problem has no such step");
  x = good_, x.beta = 1;
  EXPECT_EQ(run(problem_, x), "beta is given, and the problem has no such step");
  x = good_, x.w = w_;
  EXPECT_EQ(run(problem_, x), "w is given, and the problem is prepared; it needs weights");
  x = good_, x.a_zero = 1;
  EXPECT_EQ(run(problem_, x), "zero points are given; only products of integers have them");
  MatmulProblem with_residual = problem_;
  with_residual.residual = true;
  EXPECT_EQ(run(with_residual, good_), "residual is absent, and the problem has that step");
  x = good_, x.residual = w_, x.residual_ld = 2;
  EXPECT_EQ(run(with_residual, x), "residual_ld is 2; it needs at least 3, or 0 for dense");
}

TEST_F(BadInput, WeightsOfAnotherProblem) {
  MatmulProblem other = problem_;
  other.k = 5;
  EXPECT_EQ(run(other, good_), "weights have N 3, K 4; the problem needs N 3, K 5");
  other = problem_, other.w = DataType::q8_0;
  EXPECT_EQ(run(other, good_), "weights are f32; the problem needs q8_0");
  other = problem_, other.gated = true;
  EXPECT_EQ(run(other, good_), "weights are not gated; the problem needs a gate and an up projection");
  other = problem_, other.prepared = false;
  EXPECT_EQ(run(other, good_), "weights are given, and the problem is unprepared; it needs w");
  const PreparedWeights taken = std::move(weights_);
  EXPECT_EQ(run(problem_, good_), "weights are null; the problem needs them");
}

TEST_F(BadInput, BatchesThatOverwriteEachOther) {
  const MatmulProblem batch = {.m = 2, .n = 3, .k = 4, .prepared = false, .batch = 2};
  MatmulOperands x = {.a = a_, .w = w_, .c = c_};
  EXPECT_EQ(run(batch, x), "");
  x.c_batch = 5;
  EXPECT_EQ(run(batch, x), "c_batch is 5, so products of the batch would overwrite each other; it needs at least 6");
  x.c_batch = 3, x.ldc = 6;
  EXPECT_EQ(run(batch, x), "");
  x.a_batch = -8;
  EXPECT_EQ(run(batch, x), "a_batch is -8; it must not be negative");
}

TEST_F(BadInput, Problems) {
  EXPECT_EQ(create({.m = 0}), "M is 0; it must be at least 1");
  EXPECT_EQ(create({.a = static_cast<DataType>(99)}),
            "the problem's type of a is the number 99; it must be an enumerator, the last of which is 15");
  EXPECT_EQ(create(problem_, "avx9"), "no matmul variant of this build is called avx9");
  EXPECT_NE(create(problem_, "scalar.a16.q8_0.blocked").find("reads weights of type q8_0"), std::string::npos);
  EXPECT_EQ(Matmul::create(engine_, {.w = DataType::u8}).status().code(), Code::unsupported);
  EXPECT_EQ(Matmul::choose(engine_, {.n = -1}).status().message(), "N is -1; it must be at least 1");
  EXPECT_NE(Engine::create({.threads = -1}).status().message().find("threads is -1"), std::string::npos);
}

TEST_F(BadInput, Weights) {
  EXPECT_EQ(prepare({.n = 3, .k = 4}), "a weight's source has no data");
  EXPECT_EQ(prepare({.n = 0, .k = 4, .data = w_}), "N is 0; it must be at least 1");
  EXPECT_EQ(prepare({.n = 3, .k = 4, .ld = 3, .data = w_}), "a weight's row stride is 3; it needs at least 4");
  EXPECT_EQ(prepare({.n = 3, .k = 4, .ld = INT64_MAX, .data = w_}),
            "a weight's row stride is 9223372036854775807; no memory holds that");
  EXPECT_EQ(prepare({.type = DataType::u8, .n = 3, .k = 4, .data = w_}),
            "weights are f32, bf16, f16, i8, s8 or blocks of them; found u8");
  EXPECT_EQ(prepare({.type = DataType::i8, .n = 3, .k = 4, .data = w_}),
            "an i8 weight needs a scale for each of its N columns; found none");
  EXPECT_EQ(prepare({.n = 3, .k = 4, .data = w_, .scale = w_}), "a f32 weight has no scale; found one");
  EXPECT_EQ(prepare({.type = DataType::q8_0, .order = WeightOrder::kn, .n = 3, .k = 4, .data = w_}),
            "blocks of 32 run along K: a q8_0 weight must be [N,K]");
  EXPECT_EQ(PreparedWeights::prepare(engine_, {.n = 3, .k = 4, .data = w_}, DataType::s8).status().message(),
            "s8 weights are exact integers and can only be made from s8; found f32");
  EXPECT_EQ(PreparedWeights::prepare_gated(engine_, {.n = 3, .k = 4, .data = w_}, {.n = 4, .k = 4, .data = w_})
                .status()
                .message(),
            "gate and up have one shape; found N 3, K 4 and N 4, K 4");
}

}  // namespace
}  // namespace lathe
