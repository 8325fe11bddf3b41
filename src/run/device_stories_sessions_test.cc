// Stories of the trained model of 260,000 weights, some at once on a device and each alone on the CPU, to the letter:
// skipped where the data is not there.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "base/test_files.h"
#include "gpu/instance.h"
#include "run/generator.h"

namespace lathe::run {
namespace {

struct Story {
  std::string prompt;
  int64_t tokens;
};

using Texts = std::map<int64_t, std::string>;  // of each session

Status step(Generator& generator, Texts* texts) {
  return generator.step([texts](const SessionEvent& event) { (*texts)[event.session] += event.text; });
}

std::string on_cpu(Generator& generator, const Story& story) {
  Texts texts;
  const auto session = generator.start(story.prompt, {.max_tokens = story.tokens});
  EXPECT_TRUE(session.ok()) << session.status().message();
  while (generator.busy()) EXPECT_TRUE(step(generator, &texts).ok());
  return texts[*session];
}

TEST(DeviceStoriesSessions, GreedyStoriesAtOnceAreThoseOfTheCpu) {
  const auto instance = gpu::Instance::create();
  if (!instance || (*instance)->devices().empty()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  const std::string model = test_data("llama2c/stories260K.bin");
  if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is absent";
  const auto open = [&](std::optional<int64_t> device) {
    auto opened = Generator::open(
        {.model = model, .stored = matmul::Type::f32, .cache_type = ops::KvType::f32, .threads = 2, .device = device});
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    return opened ? std::move(*opened) : nullptr;
  };
  const auto cpu = open({}), device = open(0);
  ASSERT_TRUE(cpu && device);
  const std::vector<Story> stories = {{"Once upon a time", 200},
                                      {"Lily and Tim went to the park", 150},
                                      {"The dog", 30},
                                      {"One day, a little girl named Anna saw a cat", 180},
                                      {"Tom had a big red ball", 90},
                                      {"It was a sunny day. The bird", 120}};
  std::vector<int64_t> sessions;
  Texts texts;
  for (const Story& story : stories) {  // each comes while those before it answer
    const auto session = device->start(story.prompt, {.max_tokens = story.tokens});
    ASSERT_TRUE(session.ok()) << session.status().message();
    sessions.push_back(*session);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(step(*device, &texts).ok());
  }
  while (device->busy()) ASSERT_TRUE(step(*device, &texts).ok());
  for (size_t i = 0; i < stories.size(); ++i) {
    const std::string expected = on_cpu(*cpu, stories[i]);
    EXPECT_GT(expected.size(), 40u);
    EXPECT_EQ(texts[sessions[i]], expected) << stories[i].prompt;
  }
}

}  // namespace
}  // namespace lathe::run
