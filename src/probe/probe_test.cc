#include "probe/probe.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ops/matmul.h"
#include "probe/candidates.h"
#include "probe/shape_run.h"

namespace lathe::probe {
namespace {

using matmul::Activation;
using matmul::Order;
using matmul::Problem;
using matmul::Type;

Shape shape(const char* name, void (*change)(Problem&)) {
  Shape s;
  s.name = name;
  s.problem.m = 5, s.problem.n = 33, s.problem.k = 70;
  change(s.problem);
  return s;
}

std::vector<Shape> shapes_of_every_kind() {
  return {
      shape("f32", [](Problem&) {}),
      shape("one", [](Problem& p) { p.m = p.n = p.k = 1; }),
      shape("kn", [](Problem& p) { p.order = Order::kn; }),
      shape("bf16", [](Problem& p) { p.w = Type::bf16; }),
      shape("f16", [](Problem& p) { p.w = Type::f16, p.m = 1; }),
      shape("q8_0", [](Problem& p) { p.w = Type::q8_0; }),
      shape("q4_0", [](Problem& p) { p.w = Type::q4_0; }),
      shape("i8", [](Problem& p) { p.w = Type::i8; }),
      shape("s8", [](Problem& p) { p.a = p.w = Type::s8, p.c = Type::s32; }),
      shape("u8", [](Problem& p) { p.a = Type::u8, p.w = Type::s8, p.c = Type::s32; }),
      shape("scores", [](Problem& p) { p.prepared = false, p.batch = 4; }),
      shape("attention*V", [](Problem& p) { p.prepared = false, p.batch = 4, p.order = Order::kn; }),
      shape("dW", [](Problem& p) { p.prepared = false, p.a_transposed = true, p.order = Order::kn; }),
      shape("dW accumulated",
            [](Problem& p) { p.prepared = false, p.a_transposed = true, p.order = Order::kn, p.accumulate = true; }),
      shape("bias gelu", [](Problem& p) { p.bias = true, p.act = Activation::gelu_erf; }),
      shape("swiglu", [](Problem& p) { p.gated = true, p.act = Activation::silu; }),
      shape("residual", [](Problem& p) { p.bias = p.residual = true; }),
  };
}

Options quick() {
  Options options;
  options.seconds = 0.001;
  options.samples = 2;
  options.threads = 2;
  options.providers = {"none"};
  return options;
}

TEST(Probe, EverySupportingVariantPassesWithEqualBitsOnEveryKindOfShape) {
  Options options = quick();
  options.variants = {"*"};
  options.bitwise = true;
  int64_t calls = 0, last = -1;
  const auto shapes = shapes_of_every_kind();
  const auto report = run_probe(shapes, options, [&](int64_t done, int64_t total, std::string_view) {
    ++calls;
    EXPECT_GT(done, last);
    last = done;
    EXPECT_EQ(total, static_cast<int64_t>(shapes.size()));
  });
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(calls, static_cast<int64_t>(shapes.size()) + 1);
  EXPECT_GT(report->ceilings.fma_gflops, 0);
  EXPECT_EQ(report->ceilings.threads, 2);
  EXPECT_EQ(report->rows.size(), shapes.size() * matmul::variants().size());
  for (size_t s = 0; s < shapes.size(); ++s) {
    SCOPED_TRACE(shapes[s].name);
    int64_t passed = 0, chosen = 0, best = 0;
    for (const Row& row : report->rows) {
      if (row.shape != static_cast<int64_t>(s)) continue;
      SCOPED_TRACE(row.variant);
      const matmul::Variant* variant = matmul::find_variant(row.variant);
      ASSERT_NE(variant, nullptr);
      const std::string refusal = matmul::refusal(*variant, shapes[s].problem, cpu_features());
      if (!refusal.empty()) {
        EXPECT_EQ(row.disposition, Disposition::not_supported);
        EXPECT_EQ(row.reason, refusal);
        EXPECT_EQ(row.timing.samples, 0);
        EXPECT_EQ(row.gflops, 0);
        continue;
      }
      EXPECT_EQ(row.disposition, Disposition::passed) << row.reason;
      EXPECT_GE(row.timing.samples, 1);
      EXPECT_GT(row.timing.median_ms, 0);
      EXPECT_GE(row.timing.p95_ms, row.timing.median_ms);
      EXPECT_GT(row.gflops, 0);
      EXPECT_GT(row.share, 0);
      EXPECT_TRUE(row.ceiling == "fma" || row.ceiling == "int" || row.ceiling == "byte" || row.ceiling == "bf16" ||
                  row.ceiling == "read")
          << row.ceiling;
      ++passed;
      chosen += row.chosen;
      best += row.best_of_ours;
    }
    EXPECT_GE(passed, 1);
    EXPECT_EQ(chosen, 1);
    EXPECT_LE(best, 1);
  }
}

TEST(Probe, ScalarVariantsWaitToBeAsked) {
  const auto report = run_probe({shapes_of_every_kind()[0]}, quick(), {});
  ASSERT_TRUE(report.ok());
  const bool vector = std::any_of(report->rows.begin(), report->rows.end(), [](const Row& row) {
    return row.disposition == Disposition::passed && row.variant.find("scalar") == std::string::npos;
  });
  for (const Row& row : report->rows) {
    if (row.variant != "scalar.f32.f32.blocked") continue;
    EXPECT_EQ(row.disposition, vector ? Disposition::not_verified : Disposition::passed) << row.reason;
  }
}

TEST(Probe, ProvidersAreVerifiedAndSayWhatTheyLeaveOut) {
  Options options = quick();
  options.providers = {};
  if (tune::installed_providers().empty()) GTEST_SKIP() << "no vendor library is installed here";
  std::vector<Shape> shapes;  // fewer: OpenMP's spinning threads are slow company on a busy machine
  for (const Shape& s : shapes_of_every_kind())
    if (s.name == "f32" || s.name == "dW" || s.name == "swiglu" || s.name == "q8_0" || s.name == "scores")
      shapes.push_back(s);
  ASSERT_EQ(shapes.size(), 5u);
  const auto report = run_probe(shapes, options, {});
  ASSERT_TRUE(report.ok());
  int64_t passed = 0, left_out = 0;
  for (const Row& row : report->rows) {
    if (row.provider == "lathe") continue;
    const Problem& p = shapes[static_cast<size_t>(row.shape)].problem;
    SCOPED_TRACE(shapes[static_cast<size_t>(row.shape)].name + " " + row.provider + " " + row.variant);
    const bool f32 = p.a == Type::f32 && p.w == Type::f32 && p.c == Type::f32;
    EXPECT_EQ(row.disposition, f32 ? Disposition::passed : Disposition::not_supported) << row.reason;
    EXPECT_FALSE(row.best_of_ours || row.chosen);
    passed += row.disposition == Disposition::passed;
    left_out += row.reason == "without epilogue";
  }
  EXPECT_GT(passed, 0);
  EXPECT_GT(left_out, 0);
}

TEST(Probe, OnlyTheInstructionSetAndTheNamesThatWereAskedFor) {
  Options options = quick();
  options.isa = "scalar";
  options.variants = {"*.blocked"};
  const auto report = run_probe({shapes_of_every_kind()[0]}, options, {});
  ASSERT_TRUE(report.ok());
  EXPECT_FALSE(report->rows.empty());
  for (const Row& row : report->rows) EXPECT_TRUE(matches_glob("scalar.*.blocked", row.variant)) << row.variant;
}

TEST(Probe, ThePlanSaysWhatIsChosen) {
  Options options = quick();
  const Shape s = shapes_of_every_kind()[0];
  const matmul::Variant* planned = matmul::find_variant("scalar.f32.f32.blocked");
  ASSERT_NE(planned, nullptr);
  int asked_threads = 0;
  options.plan = [&](const Problem&, int threads) {
    asked_threads = threads;
    return planned;
  };
  const auto report = run_probe({s}, options, {});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(asked_threads, 2);
  for (const Row& row : report->rows) EXPECT_EQ(row.chosen, row.variant == planned->name);
}

TEST(Probe, WhatDoesNotFitFailsWithASentence) {
  Shape s = shape("huge", [](Problem& p) { p.m = p.n = int64_t{1} << 20, p.k = int64_t{1} << 20; });
  const auto report = run_probe({s, shapes_of_every_kind()[0]}, quick(), {});
  ASSERT_TRUE(report.ok());
  int64_t failed = 0, passed = 0;
  for (const Row& row : report->rows) {
    failed += row.shape == 0 && row.disposition == Disposition::failed && !row.reason.empty();
    passed += row.shape == 1 && row.disposition == Disposition::passed;
    EXPECT_FALSE(row.shape == 0 && row.disposition == Disposition::passed);
  }
  EXPECT_GT(failed, 0);
  EXPECT_GT(passed, 0);
}

TEST(Probe, BadOptionsAreErrors) {
  const std::vector<Shape> shapes = {shapes_of_every_kind()[0]};
  const auto code = [&](void (*change)(Options&)) {
    Options options = quick();
    change(options);
    const Status status = run_probe(shapes, options, {}).status();
    EXPECT_FALSE(status.message().empty());
    return status.code();
  };
  EXPECT_EQ(code([](Options& o) { o.variants = {"no.such.variant"}; }), Code::invalid_argument);
  EXPECT_EQ(code([](Options& o) { o.isa = "mmx"; }), Code::invalid_argument);
  EXPECT_EQ(code([](Options& o) { o.providers = {"atlas"}; }), Code::invalid_argument);
  EXPECT_EQ(code([](Options& o) { o.seconds = 0; }), Code::invalid_argument);
  EXPECT_EQ(code([](Options& o) { o.samples = 0; }), Code::invalid_argument);
  EXPECT_EQ(code([](Options& o) { o.threads = 1 << 20; }), Code::invalid_argument);
}

TEST(Glob, StarsAndQuestionMarks) {
  EXPECT_TRUE(matches_glob("*", ""));
  EXPECT_TRUE(matches_glob("avx2.*.rows", "avx2.f32.f32.rows"));
  EXPECT_TRUE(matches_glob("avx?.f32", "avx2.f32"));
  EXPECT_TRUE(matches_glob("*f32*", "avx2.f32.f32.rows"));
  EXPECT_TRUE(matches_glob("a*b*c", "aXbXbc"));
  EXPECT_FALSE(matches_glob("avx2", "avx2.f32"));
  EXPECT_FALSE(matches_glob("avx?.f32", "avx.f32"));
  EXPECT_FALSE(matches_glob("a*b", "aXbc"));
  EXPECT_FALSE(matches_glob("", "x"));
}

TEST(Rotation, FillsTheCachesThreeTimesOverUnlessAskedNotTo) {
  Problem p;
  p.m = 7, p.n = p.k = 1024;  // 4 MiB of weights
  const Memory memory = {int64_t{32} << 20, int64_t{16} << 30};
  const auto cold = plan_rotation(p, false, 3, memory);
  ASSERT_TRUE(cold.ok());
  EXPECT_EQ(cold->copies, 24);
  EXPECT_TRUE(cold->cold);
  EXPECT_EQ(cold->cold_bytes, 4.0 * 1024 * 1024);
  const auto hot = plan_rotation(p, true, 3, memory);
  ASSERT_TRUE(hot.ok());
  EXPECT_EQ(hot->copies, 1);
  EXPECT_FALSE(hot->cold);
}

TEST(Rotation, IsBoundedByCountAndByMemory) {
  Problem p;
  p.m = p.n = p.k = 8;
  const auto tiny = plan_rotation(p, false, 3, {int64_t{32} << 20, int64_t{16} << 30});
  ASSERT_TRUE(tiny.ok());
  EXPECT_EQ(tiny->copies, 1024);
  EXPECT_FALSE(tiny->cold);  // 1024 * 256 bytes stay in the cache
  p.n = p.k = 1024;
  const auto poor = plan_rotation(p, false, 3, {int64_t{32} << 20, int64_t{128} << 20});
  ASSERT_TRUE(poor.ok());
  EXPECT_LE(poor->copies * 3 * 4 << 20, int64_t{128} << 20);
  EXPECT_FALSE(poor->cold);
  EXPECT_FALSE(plan_rotation(p, false, 3, {int64_t{32} << 20, int64_t{8} << 20}).ok());
}

TEST(Rotation, UnpreparedProductsTurnBothSides) {
  Problem p;
  p.m = p.n = 64, p.k = 64, p.batch = 16, p.prepared = false;
  const auto rotation = plan_rotation(p, false, 3, {int64_t{1} << 20, int64_t{16} << 30});
  ASSERT_TRUE(rotation.ok());
  EXPECT_EQ(rotation->cold_bytes, 2.0 * 16 * 64 * 64 * 4);
  EXPECT_TRUE(rotation->cold);
}

class RateRows : public testing::Test {
 protected:
  Row passed(const char* variant, const char* provider, double ms) {
    Row row;
    row.variant = variant, row.provider = provider;
    row.disposition = Disposition::passed;
    row.timing.median_ms = ms, row.timing.samples = 20;
    return row;
  }
  Shape shape_ = [] {
    Shape s;
    s.problem.m = 100, s.problem.n = 1000, s.problem.k = 1000;  // 0.2 GFLOP, 4 MB of weights
    return s;
  }();
  Ceilings ceilings_ = [] {
    Ceilings c;
    c.fma_gflops = 100, c.read_gbps = 10, c.int_gops = 200;  // 2 ms of arithmetic, 0.4 ms of reading
    return c;
  }();
};

TEST_F(RateRows, ShareOfTheCeilingThatBinds) {
  std::vector<Row> rows = {passed("scalar.f32.f32.blocked", "lathe", 4), passed("cblas_sgemm", "openblas", 2.5)};
  rate_rows(shape_, {1, true, 4e6, 0}, ceilings_, rows);
  EXPECT_EQ(rows[0].ceiling, "fma");
  EXPECT_NEAR(rows[0].share, 0.5, 1e-9);
  EXPECT_NEAR(rows[0].gflops, 50, 1e-9);
  EXPECT_NEAR(rows[1].share, 0.8, 1e-9);
  EXPECT_TRUE(rows[0].best_of_ours);
  EXPECT_FALSE(rows[0].best_overall);
  EXPECT_TRUE(rows[1].best_overall);
  EXPECT_FALSE(rows[1].best_of_ours);

  shape_.problem.m = 1;  // 0.02 ms of arithmetic, 0.4 ms of reading
  rate_rows(shape_, {1, true, 4e6, 0}, ceilings_, {rows.data(), 1});
  EXPECT_EQ(rows[0].ceiling, "read");
  EXPECT_NEAR(rows[0].share, 0.1, 1e-9);
  rate_rows(shape_, {1, false, 4e6, 0}, ceilings_, {rows.data(), 1});  // not cold: no reading from memory
  EXPECT_EQ(rows[0].ceiling, "fma");
}

TEST_F(RateRows, IntegerNumericsHaveTheirOwnCeiling) {
  std::vector<Row> rows = {passed("scalar.a16.q8_0.blocked", "lathe", 4)};
  rate_rows(shape_, {}, ceilings_, rows);
  EXPECT_EQ(rows[0].ceiling, "int");
  EXPECT_NEAR(rows[0].share, 0.25, 1e-9);
}

TEST_F(RateRows, WhatIsAboveTheCeilingIsFlaggedAndNeverCrowned) {
  std::vector<Row> rows = {passed("scalar.f32.f32.blocked", "lathe", 1.5), passed("cblas_sgemm", "blis", 3)};
  rate_rows(shape_, {}, ceilings_, rows);
  EXPECT_TRUE(rows[0].above_ceiling);
  EXPECT_FALSE(rows[0].best_of_ours || rows[0].best_overall);
  EXPECT_TRUE(rows[1].best_overall);
  rows[0].above_ceiling = false;
  rows[0].timing.median_ms = 1.9;
  rows[0].timing.spread = 0.1;  // 1.05 with a spread of 0.1 may be 1
  rate_rows(shape_, {}, ceilings_, rows);
  EXPECT_FALSE(rows[0].above_ceiling);
}

TEST_F(RateRows, OnlyPassedRowsCompete) {
  std::vector<Row> rows = {passed("scalar.f32.f32.blocked", "lathe", 3), passed("cblas_sgemm", "blis", 3)};
  rows[0].disposition = Disposition::not_verified;  // timed without verification
  rows[1].disposition = Disposition::incorrect;
  rows[1].timing.samples = 0;
  rate_rows(shape_, {}, ceilings_, rows);
  EXPECT_GT(rows[0].gflops, 0);
  EXPECT_EQ(rows[1].gflops, 0);
  for (const Row& row : rows) EXPECT_FALSE(row.best_of_ours || row.best_overall);
}

}  // namespace
}  // namespace lathe::probe
