// lathe perplexity as a shell sees it.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/test_files.h"
#include "shell.h"

namespace lathe::cli {
namespace {

TEST(PerplexityCommand, OfATrainedModelsOwnWords) {
  const std::string model = test_data("llama2c/stories260K.bin");
  if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is absent";
  const std::string line = "perplexity --cache off -m " + model + " --file ";
  const std::string story = line + test_data("llama2c/stories260K_t0_n200.stdout.txt") + " --context 64 ";
  const Outcome own = run_lathe(story);
  EXPECT_EQ(own.exit, 0) << own.err;
  EXPECT_TRUE(own.out.starts_with("perplexity ")) << own.out;
  EXPECT_EQ(std::ranges::count(own.out, '\n'), 1) << own.out;
  const auto json = nlohmann::json::parse(run_lathe(story + "--json").out, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_GT(json["perplexity"], 1.0);
  EXPECT_LT(json["perplexity"], 4.0);  // greedy: each token was the most probable
  EXPECT_EQ(json["scored"], 31 * json["windows"].get<int>());
  EXPECT_EQ(json["context"], 64);
  const auto strided = nlohmann::json::parse(run_lathe(story + "--stride 32 --json").out, nullptr, false);
  EXPECT_EQ(strided["scored"], strided["tokens"].get<int>() - 1);
}

TEST(PerplexityCommand, ErrorsAreOneSentence) {
  EXPECT_EQ(run_lathe("perplexity -m x").exit, 2);
  const Outcome absent = run_lathe("perplexity -m x --file /no/such/file");
  EXPECT_EQ(absent.exit, 1);
  EXPECT_NE(absent.err.find("/no/such/file"), std::string::npos);
}

}  // namespace
}  // namespace lathe::cli
