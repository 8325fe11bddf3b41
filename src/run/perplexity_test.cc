#include "run/perplexity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/test_files.h"
#include "formats/fake_llama2c.h"

namespace lathe::run {
namespace {

using Windows = std::vector<ScoredWindow>;

TEST(PerplexityWindows, SideBySideOrWithAStride) {
  EXPECT_EQ(perplexity_windows(21, 10, 0), (Windows{{0, 10, 6}, {10, 20, 16}}));
  EXPECT_EQ(perplexity_windows(9, 10, 0), Windows{});
  EXPECT_EQ(perplexity_windows(21, 10, 6), (Windows{{0, 10, 1}, {6, 16, 10}, {12, 21, 16}}));
  EXPECT_EQ(perplexity_windows(20, 10, 10), (Windows{{0, 10, 1}, {10, 20, 11}}));
  EXPECT_EQ(perplexity_windows(21, 10, 10), (Windows{{0, 10, 1}, {10, 20, 11}}));  // the last has nothing before it
  EXPECT_EQ(perplexity_windows(5, 10, 3), (Windows{{0, 5, 1}}));
}

TEST(NegativeLogLikelihood, IsThatOfTheSoftmax) {
  const float logits[] = {1000.0f, 1000.0f, 1001.0f};
  EXPECT_NEAR(negative_log_likelihood(logits, 2), std::log(2 * std::exp(-1.0) + 1), 1e-12);
  EXPECT_NEAR(negative_log_likelihood(logits, 0), std::log(2 * std::exp(-1.0) + 1) + 1, 1e-12);
}

// The model of 260,000 weights over its own greedy text, against the logits of llama2.c's run.c.
TEST(Perplexity, AgreesWithAPlainComputationFromTheLogitsOfTheReference) {
  const std::string model = test_data("llama2c/stories260K.bin");
  if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is absent";
  const auto ids = nlohmann::json::parse(*read_file(test_data("llama2c/stories260K_greedy_tokens.json"), 1 << 20))
                       .get<std::vector<int32_t>>();
  const auto bytes = *read_file(test_data("llama2c/stories260K_greedy_logits_f32_200x512.bin"), 1 << 22);
  std::vector<float> logits(bytes.size() / sizeof(float));
  std::memcpy(logits.data(), bytes.data(), bytes.size());
  const auto generator = Generator::open({.model = model, .cache_type = ops::KvType::f32, .threads = 2});
  ASSERT_TRUE(generator.ok()) << generator.status().message();

  // Of the tokens [first, end), by the words of the definition.
  const auto plain = [&](size_t first, size_t end) {
    std::vector<double> losses;
    for (size_t i = first; i < end; ++i) {
      const float* row = logits.data() + (i - 1) * 512;
      double sum = 0;
      for (size_t j = 0; j < 512; ++j) sum += std::exp(double{row[j]} - double{row[ids[i]]});
      losses.push_back(std::log(sum));
    }
    double mean = 0, variance = 0;
    for (const double loss : losses) mean += loss / static_cast<double>(losses.size());
    for (const double loss : losses) variance += (loss - mean) * (loss - mean) / static_cast<double>(losses.size() - 1);
    return std::pair(std::exp(mean), std::exp(mean) * std::sqrt(variance / static_cast<double>(losses.size())));
  };
  const auto text = std::span(ids).first(200);
  int64_t told = 0;
  const auto halves = perplexity(**generator, text, {.context = 200, .progress = [&](int64_t, int64_t) { ++told; }});
  ASSERT_TRUE(halves.ok()) << halves.status().message();
  EXPECT_EQ(halves->scored, 99);
  EXPECT_EQ(halves->windows, 1);
  EXPECT_EQ(told, 1);
  EXPECT_NEAR(halves->value, plain(101, 200).first, 1e-5);
  EXPECT_NEAR(halves->error, plain(101, 200).second, 1e-5);
  const auto all = perplexity(**generator, text, {.context = 256, .stride = 64});
  ASSERT_TRUE(all.ok()) << all.status().message();
  EXPECT_EQ(all->scored, 199);
  EXPECT_NEAR(all->value, plain(1, 200).first, 1e-5);
}

TEST(Perplexity, EveryWindowBeginsAsATextDoes) {
  const FakeFolder folder("perplexity");
  folder.write("tok300.bin", llama2c_vocabulary(300));
  const std::string model = folder.write("model.bin", llama2c_bytes({.width = 32,
                                                                     .intermediate = 48,
                                                                     .layers = 2,
                                                                     .heads = 4,
                                                                     .kv_heads = 2,
                                                                     .vocabulary = 300,
                                                                     .positions = 100,
                                                                     .tied = true}));
  const auto generator = *Generator::open({.model = model, .threads = 1});
  std::vector<int32_t> once = {1}, twice;
  for (int32_t i = 1; i < 80; ++i) once.push_back(i * 37 % 297 + 3);
  twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  twice[80] = 299;  // in place of the token that begins a text
  const auto one = perplexity(*generator, once, {.context = 80}), two = perplexity(*generator, twice, {.context = 80});
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(two->scored, 2 * one->scored);
  EXPECT_NEAR(two->mean, one->mean, 1e-12);
  twice[0] = 299;  // a text that does not begin so
  EXPECT_GT(std::abs(perplexity(*generator, twice, {.context = 80})->mean - one->mean), 1e-9);

  const auto refused = [&](const PerplexityOptions& options) {
    return perplexity(*generator, once, options).status().message();
  };
  EXPECT_EQ(refused({.context = 101}), "the context is 101 tokens, needed: 4 to the model's 100");
  EXPECT_EQ(refused({.context = 3}), "the context is 3 tokens, needed: 4 to the model's 100");
  EXPECT_EQ(refused({.context = 90}),
            "the text has 80 tokens, needed: 90 or more, as many as the context (a smaller one will do)");
  EXPECT_EQ(refused({.context = 50, .stride = 51}),
            "the stride is 51 tokens, needed: at most the context's 50, or 0 for none");
}

}  // namespace
}  // namespace lathe::run
