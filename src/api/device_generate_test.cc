// Sessions of the public API on a device, some at once, beside the CPU's.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "base/test_files.h"
#include "formats/fake_llama2c.h"
#include "gpu/instance.h"
#include "lathe/generate.h"

namespace lathe {
namespace {

constexpr Llama2cHeader kHeader = small_llama2c(320, 100, true);

using Tokens = std::map<int64_t, std::vector<int32_t>>;

Tokens answers(const GenerateOptions& options) {
  auto generator = Generator::open(options);
  EXPECT_TRUE(generator.ok()) << generator.status().message();
  Tokens tokens;
  if (!generator) return tokens;
  const std::vector<int32_t> prompts[] = {{1}, {1, 30, 40, 50, 60}, {1, 5, 9}};
  for (const std::vector<int32_t>& prompt : prompts)
    EXPECT_TRUE(generator->start(prompt, {.max_tokens = std::ssize(prompt) * 5, .stop_at_end = false}).ok());
  while (generator->busy()) {
    const Status status = generator->step([&tokens](const GeneratedToken& token) {
      if (token.token >= 0) tokens[token.session].push_back(token.token);
    });
    EXPECT_TRUE(status.ok()) << status.message();
    if (!status.ok()) break;
  }
  return tokens;
}

TEST(DeviceGenerate, SessionsAtOnceAreThoseOfTheCpu) {
  const auto instance = gpu::Instance::create();
  if (!instance || (*instance)->devices().empty()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  FakeFolder folder("device_generate");
  folder.write("model.bin", llama2c_bytes(kHeader));
  folder.write("tok320.bin", llama2c_vocabulary(kHeader.vocabulary));
  GenerateOptions options = {.model = folder.path("model.bin"), .cache_type = CacheType::f32, .threads = 1};
  const Tokens expected = answers(options);
  options.device = 0, options.cache = folder.path("cache");
  EXPECT_EQ(answers(options), expected);
  EXPECT_TRUE(std::filesystem::is_directory(folder.path("cache/pipelines")));
  EXPECT_EQ(answers(options), expected);
  EXPECT_EQ(expected.size(), 3u);
}

}  // namespace
}  // namespace lathe
