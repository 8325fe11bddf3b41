#include "run/generate_scenarios.h"

#include <gtest/gtest.h>

#include "base/test_files.h"
#include "formats/fake_llama2c.h"
#include "run/answering.h"
#include "run/time_cancel.h"

namespace lathe::run {
namespace {

constexpr Llama2cHeader kHeader = small_llama2c(320, 200);
using Kind = GenerateTest::Kind;

class GenerateScenarios : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write("model.bin", llama2c_bytes(kHeader));
    folder_.write("tok320.bin", llama2c_vocabulary(kHeader.vocabulary));
    GeneratorOptions options;
    options.model = folder_.path("model.bin");
    options.threads = 2;
    options.prompt_tokens = 16;
    auto opened = Generator::open(options);
    ASSERT_TRUE(opened) << opened.status().message();
    generator_ = std::move(*opened);
  }
  void expect_refused(const GenerateTest& test, const std::string& words) {
    const auto times = time_generation(*generator_, test, 1);
    ASSERT_FALSE(times) << test.name();
    EXPECT_NE(times.status().message().find(words), std::string::npos) << times.status().message();
  }

  FakeFolder folder_{"generate_scenarios"};
  std::unique_ptr<Generator> generator_;
};

TEST(GenerateTestName, IsThatOfLlamaBench) {
  EXPECT_EQ((GenerateTest{.kind = Kind::prompt, .tokens = 512}.name()), "pp512");
  EXPECT_EQ((GenerateTest{.kind = Kind::answer, .tokens = 128}.name()), "tg128");
  EXPECT_EQ((GenerateTest{.kind = Kind::answer, .tokens = 64, .texts = 4}.name()), "tg64@b4");
}

TEST_F(GenerateScenarios, APromptTakesItsPassesAndLeavesNothingToDo) {
  const auto times = time_generation(*generator_, {.tokens = 40}, 1);
  ASSERT_TRUE(times) << times.status().message();
  EXPECT_EQ(times->step_ns.size(), 3u);  // 16, 16 and 8 tokens
  EXPECT_EQ(times->tokens, 40);
  EXPECT_GT(times->tokens_per_s(), 0);
  EXPECT_FALSE(generator_->busy());
}

TEST_F(GenerateScenarios, EveryPassOfAnswersHasATokenOfEveryText) {
  for (const int64_t texts : {1, 5}) {  // the prompts of five take more than one pass of 16 tokens
    const auto times = time_generation(*generator_, {.kind = Kind::answer, .tokens = 12, .texts = texts}, 1);
    ASSERT_TRUE(times) << times.status().message();
    EXPECT_EQ(times->step_ns.size(), 12u);
    EXPECT_EQ(times->tokens, 12 * texts);
    EXPECT_FALSE(generator_->busy());
  }
  auto answering = Answering::begin(*generator_, 3, 10, 1);
  ASSERT_TRUE(answering) << answering.status().message();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(answering->step().ok());
  EXPECT_TRUE(generator_->busy());
  EXPECT_TRUE(answering->end().ok());
  EXPECT_FALSE(generator_->busy());
}

TEST_F(GenerateScenarios, RandomTokensDependOnTheSeedAlone) {
  EXPECT_EQ(random_tokens(*generator_, 20, 3), random_tokens(*generator_, 20, 3));
  EXPECT_NE(random_tokens(*generator_, 20, 3), random_tokens(*generator_, 20, 4));
}

TEST_F(GenerateScenarios, WhatTheContextDoesNotHoldIsRefused) {
  expect_refused({.tokens = 0}, "0 tokens of 1 texts");
  expect_refused({.tokens = 201}, "201 tokens of 1 texts");
  expect_refused({.kind = Kind::answer, .tokens = 8, .texts = 0}, "8 tokens of 0 texts");
  expect_refused({.kind = Kind::answer, .tokens = 196}, "needed: at most those of the context, 200");
  EXPECT_FALSE(bench_generation(*generator_, {.tokens = 8}, {.runs = 0}));
}

TEST_F(GenerateScenarios, AReportCountsTheRunsAndLeavesNothingUnaccounted) {
  for (const GenerateTest& test : {GenerateTest{.kind = Kind::prompt, .tokens = 32},
                                   GenerateTest{.kind = Kind::answer, .tokens = 16, .texts = 2}}) {
    const auto report = bench_generation(*generator_, test, {.runs = 3, .threads = 2});
    ASSERT_TRUE(report) << report.status().message();
    EXPECT_EQ(report->tokens_per_s.size(), 3u);
    EXPECT_GT(report->median, 0);
    EXPECT_GT(report->gflops, 0);
    EXPECT_EQ(report->weight_gbps > 0, test.kind == Kind::answer);
    // The timed passes and no others: the prompts before answers are none of them.
    EXPECT_EQ(report->profile.passes(), test.kind == Kind::prompt ? 2 : 16);
    EXPECT_GT(report->around_ns(), 0);
    EXPECT_GE(report->unaccounted(), 0);
    EXPECT_LE(report->unaccounted(), 1);
  }
}

TEST_F(GenerateScenarios, TheSweepEndsItsAnswersAndTheModelIsAsItWas) {
  const auto rows = sweep_generation(*generator_, {1, 2}, 8, 0.01);
  ASSERT_TRUE(rows) << rows.status().message();
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_EQ((*rows)[1].texts, 2);
  EXPECT_EQ((*rows)[2].tokens, 8);
  for (const SweepRow& row : *rows)
    for (const double ns : row.wall_ns) EXPECT_GT(ns, 0);
  EXPECT_FALSE(generator_->busy());
}

TEST_F(GenerateScenarios, ASoakLooksAtTheMemoryTwice) {
  const auto report = soak(*generator_, 500);
  ASSERT_TRUE(report) << report.status().message();
  EXPECT_GE(report->done, 500);
  EXPECT_EQ(report->warm, 50);
  EXPECT_GT(report->warm_bytes, 0);
  EXPECT_GT(report->end_bytes, 0);
  EXPECT_FALSE(generator_->busy());
}

TEST_F(GenerateScenarios, CancellingIsTimedWhereThePromptStillRan) {
  const auto report = time_cancel(*generator_, 150, 5);
  ASSERT_TRUE(report) << report.status().message();
  EXPECT_EQ(report->prompt, 150);
  EXPECT_GT(report->run_ms, 0);
  EXPECT_LE(report->tries, 5);
  EXPECT_GE(report->worst_ms, report->median_ms);
  EXPECT_FALSE(generator_->busy());
}

}  // namespace
}  // namespace lathe::run
