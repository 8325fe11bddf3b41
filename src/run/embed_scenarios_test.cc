#include "run/embed_scenarios.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "models/toy_encoder.h"
#include "run/dispatch_sweep.h"

namespace lathe::run {
namespace {

int64_t words_of(const std::string& text) { return 1 + std::count(text.begin(), text.end(), ' '); }

TEST(BenchTexts, AreTheSameEveryTimeAndAsLongAsTheirNamesSay) {
  const auto scenarios = bench_scenarios(), again = bench_scenarios();
  std::set<std::string> names;
  for (size_t i = 0; i < scenarios.size(); ++i) {
    EXPECT_EQ(scenarios[i].calls, again[i].calls);
    EXPECT_TRUE(names.insert(scenarios[i].name).second) << scenarios[i].name;
  }
  EXPECT_EQ(names, (std::set<std::string>{"batch96_long", "batch96_short", "long", "mixed", "short", "words400"}));
  for (const Scenario& s : scenarios) {
    const int64_t words = words_of(s.calls.front().front());
    if (s.name.ends_with("short")) {
      EXPECT_EQ(words, 9);
    }
    if (s.name.ends_with("long")) {
      EXPECT_EQ(words, 49);
    }
    if (s.name == "words400") {
      EXPECT_EQ(words, 400);
    }
    if (s.name.starts_with("batch96")) {
      EXPECT_EQ(s.calls.front().size(), 96u);
    }
  }
}

TEST(BenchTexts, NoTwoOfAScenarioAreEqual) {
  for (const Scenario& s : bench_scenarios()) {
    std::set<std::string> seen;
    for (const auto& call : s.calls)
      for (const std::string& text : call) EXPECT_TRUE(seen.insert(text).second) << s.name << ": " << text;
    EXPECT_EQ(static_cast<int64_t>(seen.size()), s.texts());
  }
}

TEST(Quantiles, AreInterpolated) {
  const Quantiles q = quantiles({5, 1, 4, 2, 3});
  EXPECT_DOUBLE_EQ(q.p50, 3);
  EXPECT_DOUBLE_EQ(q.p95, 4.8);
  EXPECT_DOUBLE_EQ(q.p99, 4.96);
  EXPECT_DOUBLE_EQ(quantiles({7}).p99, 7);
  EXPECT_DOUBLE_EQ(quantiles({}).p50, 0);
}

TEST(ScenarioReport, WhatIsNotThePassesIsAroundThem) {
  ScenarioReport report;
  report.profile.begin();
  report.profile.mark("op");
  report.profile.end();
  report.calls_ns = static_cast<double>(report.profile.total_ns()) + 500;
  EXPECT_DOUBLE_EQ(report.around_ns(), 500);
  EXPECT_GE(report.unaccounted(), 0);
  EXPECT_LE(report.unaccounted(), 1);
}

TEST(DispatchSweep, TimesTheThreeWaysOfATinyModelAndLeavesItAsItWas) {
  auto team = Team::create({.threads = 2});
  ASSERT_TRUE(team);
  auto toy = models::ToyEncoder::create({.layers = 1, .width = 32, .heads = 2, .intermediate = 32}, **team);
  ASSERT_TRUE(toy) << toy.status().message();
  const auto rows = sweep_dispatch((*toy)->encoder(), {{2, 5}, {1, 9}}, 0.01);
  ASSERT_TRUE(rows) << rows.status().message();
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ(rows->front().tokens, 10);
  for (const SweepRow& row : *rows)
    for (const double ns : row.wall_ns) EXPECT_GT(ns, 0);
}

TEST(DispatchSweep, ATextTooLongForTheModelIsAnError) {
  auto team = Team::create({.threads = 1});
  ASSERT_TRUE(team);
  auto toy =
      models::ToyEncoder::create({.layers = 1, .width = 32, .heads = 2, .intermediate = 32, .positions = 8}, **team);
  ASSERT_TRUE(toy);
  const auto rows = sweep_dispatch((*toy)->encoder(), {{1, 9}}, 0.01);
  ASSERT_FALSE(rows);
  EXPECT_NE(rows.status().message().find("9 tokens"), std::string::npos) << rows.status().message();
}

}  // namespace
}  // namespace lathe::run
