// A generator on a device beside one on the CPU, session by session: the same tokens, and what a device refuses.
#include <gtest/gtest.h>

#include <cmath>

#include "run/read_grammar.h"
#include "run/test_device_generator.h"

namespace lathe::run {
namespace {

using testing::answer;
using testing::prompt_of;
using testing::Told;
using DeviceGenerator = testing::DeviceGeneratorFixture;

TEST_F(DeviceGenerator, AnswersAreThoseOfTheCpu) {
  const auto cpu = open({}), device = open(0);
  ASSERT_TRUE(cpu && device);
  for (const int32_t length : {1, 2, 20, 150}) {
    SessionOptions greedy = {.max_tokens = 30, .stop_at_end = false}, drawn = greedy, constrained = greedy;
    drawn.sampling.temperature = 0.8f, drawn.sampling.seed = 5;
    constrained.grammar = *read_gbnf("root ::= [a-z]+", "test");
    for (const SessionOptions& options : {greedy, drawn, constrained}) {
      const Told expected = answer(*cpu, prompt_of(length), options);
      const Told told = answer(*device, prompt_of(length), options);
      EXPECT_EQ(told.tokens, expected.tokens) << "prompt of " << length;
      EXPECT_EQ(told.finish, expected.finish);
    }
  }
}

// A conversation: what is cached of the last text is not computed again; what is not its beginning is forgotten.
TEST_F(DeviceGenerator, GoesOnFromTheLastText) {
  const auto device = open(0);
  const SessionOptions options = {.max_tokens = 10, .stop_at_end = false};
  auto text = prompt_of(40);
  for (int turn = 0; turn < 3; ++turn) {
    const auto session = device->start(text, options);
    ASSERT_TRUE(session.ok());
    EXPECT_EQ(device->cached(*session), turn == 0 ? 0 : std::ssize(text) - 6);
    std::vector<int32_t> tokens;
    while (device->busy())
      ASSERT_TRUE(device
                      ->step([&](const SessionEvent& e) {
                        if (e.token >= 0) tokens.push_back(e.token);
                      })
                      .ok());
    EXPECT_EQ(tokens, answer(*open(0), text, options).tokens) << "turn " << turn;
    ASSERT_TRUE(answer(*device, prompt_of(3), options).status.ok());  // which begins like it, and leaves it alone
    text.insert(text.end(), tokens.begin(), tokens.end());
    text.insert(text.end(), {7, 8, 9, 10, 11});
  }
}

TEST_F(DeviceGenerator, LogitsOfEveryTokenAreGivenToWhoWantsThem) {
  const auto ids = prompt_of(30);
  std::vector<std::vector<float>> all;
  for (const std::optional<int64_t> device : {std::optional<int64_t>(), std::optional<int64_t>(0)}) {
    const auto generator = open(device);
    std::vector<float>& logits = all.emplace_back();
    SessionOptions options = {.max_tokens = 0};
    options.logits_from = 12;
    options.each_logits = [&logits](int64_t, std::span<const float> row) {
      logits.insert(logits.end(), row.begin(), row.end());
      return Status();
    };
    EXPECT_EQ(answer(*generator, ids, options).finish, Finish::max_tokens);
  }
  ASSERT_EQ(all[0].size(), 18u * 320);
  ASSERT_EQ(all[1].size(), all[0].size());
  double dot = 0, a = 0, b = 0;
  for (size_t i = 0; i < all[0].size(); ++i) {
    dot += double{all[0][i]} * double{all[1][i]};
    a += double{all[0][i]} * double{all[0][i]}, b += double{all[1][i]} * double{all[1][i]};
  }
  EXPECT_GE(dot / std::sqrt(a * b), 0.99999);
}

TEST_F(DeviceGenerator, TheContextEndsAnAnswerAsOnTheCpu) {
  for (const std::optional<int64_t> device : {std::optional<int64_t>(), std::optional<int64_t>(0)}) {
    const auto generator = open(device, 50);
    const Told told = answer(*generator, prompt_of(40), {.stop_at_end = false});
    EXPECT_EQ(told.finish, Finish::context_full);
    EXPECT_EQ(told.tokens.size(), 10u);
    EXPECT_EQ(answer(*generator, prompt_of(50), {.stop_at_end = false}).tokens.size(), 1u);
  }
}

TEST_F(DeviceGenerator, ASessionIsCancelledBetweenPasses) {
  const auto device = open(0);
  const int64_t session = *device->start(prompt_of(200), {.stop_at_end = false});
  device->cancel(session);
  Finish finish = Finish::none;
  ASSERT_TRUE(device->step([&](const SessionEvent& event) { finish = event.finish; }).ok());
  EXPECT_EQ(finish, Finish::cancelled);
  EXPECT_EQ(answer(*device, prompt_of(20), {.max_tokens = 5, .stop_at_end = false}).tokens.size(), 5u);
}

TEST_F(DeviceGenerator, RefusesWhatADeviceHasNot) {
  const auto expect_refusal = [&](const GeneratorOptions& options, const char* words) {
    const auto opened = try_open(options);
    ASSERT_FALSE(opened.ok());
    EXPECT_NE(opened.status().message().find(words), std::string::npos) << opened.status().message();
  };
  expect_refusal({.cache_type = ops::KvType::q8_0, .device = 0}, "needed on a device: f32");
  expect_refusal({.cache_type = ops::KvType::f32, .cache_bytes = 1 << 20, .device = 0}, "needed on a device: no limit");
  expect_refusal({.stored = matmul::Type::q4_1, .cache_type = ops::KvType::f32, .device = 0},
                 "q4_1: the device takes f32, f16, q8_0 and q4_0");
  expect_refusal({.cache_type = ops::KvType::f32, .device = 99}, "99");
}

}  // namespace
}  // namespace lathe::run
