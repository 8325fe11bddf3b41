// A generator on a device beside one on the CPU: the same tokens, and what a device refuses.
#include <gtest/gtest.h>

#include <cmath>

#include "base/test_files.h"
#include "formats/fake_llama2c.h"
#include "gpu/instance.h"
#include "run/generator.h"
#include "run/read_grammar.h"

namespace lathe::run {
namespace {

constexpr Llama2cHeader kHeader = {.width = 32,
                                   .intermediate = 48,
                                   .layers = 2,
                                   .heads = 4,
                                   .kv_heads = 2,
                                   .vocabulary = 320,
                                   .positions = 300,
                                   .tied = false};

class DeviceGenerator : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto instance = gpu::Instance::create();
    if (!instance || (*instance)->devices().empty()) GTEST_SKIP() << "there is no Vulkan device on this machine";
    folder_.write("model.bin", llama2c_bytes(kHeader));
    folder_.write("tok320.bin", llama2c_vocabulary(kHeader.vocabulary));
  }
  Result<std::unique_ptr<Generator>> try_open(GeneratorOptions options) {
    options.model = folder_.path("model.bin");
    options.threads = 1;
    return Generator::open(options);
  }
  std::unique_ptr<Generator> open(std::optional<int64_t> device, int64_t context = 0) {
    auto opened = try_open({.cache_type = ops::KvType::f32, .context = context, .device = device});
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    return opened ? std::move(*opened) : nullptr;
  }
  FakeFolder folder_{"device_generator"};
};

struct Told {
  std::vector<int32_t> tokens;
  Finish finish = Finish::none;
  Status status;
};

Told answer(Generator& generator, std::span<const int32_t> prompt, SessionOptions options) {
  Told told;
  const auto session = generator.start(prompt, std::move(options));
  EXPECT_TRUE(session.ok()) << session.status().message();
  while (session && generator.busy()) {
    const Status status = generator.step([&told](const SessionEvent& event) {
      if (event.token >= 0) told.tokens.push_back(event.token);
      told.finish = event.finish, told.status = event.status;
    });
    EXPECT_TRUE(status.ok()) << status.message();
    if (!status.ok()) break;
  }
  return told;
}

std::vector<int32_t> prompt_of(int32_t tokens) {
  std::vector<int32_t> ids = {1};
  for (int32_t i = 1; i < tokens; ++i) ids.push_back(i * 17 % 317 + 3);
  return ids;
}

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
  const auto device = open(0), fresh = open(0);
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
    EXPECT_EQ(tokens, answer(*fresh, text, options).tokens) << "turn " << turn;
    ASSERT_TRUE(answer(*fresh, prompt_of(3), options).status.ok());  // so that it has nothing of the next
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
  const auto device = open(0);
  ASSERT_TRUE(device->start(prompt_of(5), {}).ok());
  const auto second = device->start(prompt_of(6), {});
  EXPECT_EQ(second.status().code(), Code::unsupported);
  EXPECT_NE(second.status().message().find("one at a time"), std::string::npos);
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
