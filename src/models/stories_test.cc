// The trained model of 260,000 weights against what run.c of llama2.c gives: skipped where the data is not there.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/test_files.h"
#include "models/open_decoder.h"

namespace lathe::models {
namespace {

class Stories : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(test_data("llama2c/stories260K.bin")))
      GTEST_SKIP() << test_data("llama2c/stories260K.bin") << " is absent";
    auto files = DecoderFiles::open(*resolve_model(test_data("llama2c/stories260K.bin"), ""));
    ASSERT_TRUE(files.ok()) << files.status().message();
    files_.emplace(std::move(*files));
    const auto json = nlohmann::json::parse(*read_file(test_data("llama2c/stories260K_greedy_tokens.json"), 1 << 20));
    ids_ = json.get<std::vector<int32_t>>();
    const auto bytes = *read_file(test_data("llama2c/stories260K_greedy_logits_f32_200x512.bin"), 1 << 22);
    expected_.resize(bytes.size() / sizeof(float));
    std::memcpy(expected_.data(), bytes.data(), bytes.size());
    team_ = std::move(*Team::create({.threads = 2}));
    decoder_ = std::move(*files_->bind(matmul::Type::f32, *team_));
  }

  std::optional<DecoderFiles> files_;
  std::vector<int32_t> ids_;
  std::vector<float> expected_;
  std::unique_ptr<Team> team_;
  std::unique_ptr<Decoder> decoder_;
};

TEST_F(Stories, LogitsOf200GreedyStepsAreThoseOfTheReference) {
  for (const ops::KvType type : {ops::KvType::f32, ops::KvType::f16}) {
    ops::KvPool pool(decoder_->kv_shape(type));
    ops::KvText text(pool);
    ops::KvText* const texts[] = {&text};
    std::vector<float> logits(512);
    int32_t token = 1;  // begins a text
    double worst = 0;
    for (size_t step = 0; step < 200; ++step) {
      const int64_t offsets[] = {0, 1}, rows[] = {0};
      const auto ran =
          decoder_->run({.tokens = {{&token, 1}, offsets}, .texts = texts, .rows = rows, .logits = logits.data()});
      ASSERT_TRUE(ran.ok()) << ran.status().message();
      const float* expected = expected_.data() + step * logits.size();
      double difference = 0, norm = 0;
      for (size_t i = 0; i < logits.size(); ++i) {
        difference += std::pow(double{logits[i]} - double{expected[i]}, 2);
        norm += std::pow(double{expected[i]}, 2);
      }
      worst = std::max(worst, std::sqrt(difference / norm));
      token = static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin());
      ASSERT_EQ(token, ids_[step + 1]) << "step " << step;
    }
    EXPECT_LT(worst, type == ops::KvType::f32 ? 1e-4 : 1e-2);
    RecordProperty(type == ops::KvType::f32 ? "worst_f32" : "worst_f16", std::to_string(worst));
    std::printf("%s: largest relative difference of a step's logits %.3g\n",
                std::string(paged_attention::type_name(type)).c_str(), worst);
  }
}

TEST_F(Stories, TheTokenizerGivesBackTheText) {
  const auto tokenizer = files_->tokenizer();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  const std::string text = *read_file(test_data("llama2c/stories260K_t0_n200.stdout.txt"), 1 << 20);
  EXPECT_EQ(*tokenizer->decode(ids_) + "\n", text);
  EXPECT_EQ(tokenizer->encode("Once upon a time")->ids, (std::vector<int32_t>{1, 403, 407, 261, 378}));
}

}  // namespace
}  // namespace lathe::models
