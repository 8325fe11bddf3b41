// The trained model of 260,000 weights on a device, against what run.c of llama2.c gives and against the CPU: skipped
// where the data is not there.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/test_files.h"
#include "gpu/test_device.h"
#include "models/device_decoder.h"
#include "models/open_decoder.h"

namespace lathe::models {
namespace {

class DeviceStories : public gpu::DeviceTest {
 protected:
  void SetUp() override {
    gpu::DeviceTest::SetUp();
    if (IsSkipped()) return;
    const std::string model = test_data("llama2c/stories260K.bin");
    if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is absent";
    auto files = DecoderFiles::open(*resolve_model(model, ""));
    ASSERT_TRUE(files.ok()) << files.status().message();
    files_.emplace(std::move(*files));
    ids_ = nlohmann::json::parse(*read_file(test_data("llama2c/stories260K_greedy_tokens.json"), 1 << 20))
               .get<std::vector<int32_t>>();
    team_ = std::move(*Team::create({.threads = 2}));
  }
  void TearDown() override {
    on_device_.reset();
    gpu::DeviceTest::TearDown();
  }
  void open(matmul::Type type) {
    decoder_ = std::move(*files_->bind(type, *team_));
    auto opened = DeviceDecoder::open(*decoder_, device_, {.context = decoder_->config().positions});
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    on_device_ = std::move(*opened);
  }

  std::optional<DecoderFiles> files_;
  std::vector<int32_t> ids_;
  std::unique_ptr<Team> team_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<DeviceDecoder> on_device_;
};

TEST_F(DeviceStories, GreedyTokensAreThoseOfTheReference) {
  open(matmul::Type::f32);
  std::vector<int32_t> tokens = {1};  // begins a text
  while (tokens.size() <= 200) {
    const auto next = on_device_->likeliest(tokens.back(), std::ssize(tokens) - 1, DeviceDecoder::kQueued);
    ASSERT_TRUE(next.ok()) << next.status().message();
    tokens.insert(tokens.end(), next->begin(), next->end());
  }
  ASSERT_GE(ids_.size(), 201u);
  for (size_t i = 0; i < 201; ++i) ASSERT_EQ(tokens[i], ids_[i]) << "token " << i;
}

TEST_F(DeviceStories, LogitsAreThoseOfTheReference) {
  const auto bytes = *read_file(test_data("llama2c/stories260K_greedy_logits_f32_200x512.bin"), 1 << 22);
  std::vector<float> expected(bytes.size() / sizeof(float));
  std::memcpy(expected.data(), bytes.data(), bytes.size());
  open(matmul::Type::f32);
  const auto compare = [&](size_t position) {
    const auto logits = on_device_->logits(ids_[position], static_cast<int64_t>(position));
    ASSERT_TRUE(logits.ok()) << logits.status().message();
    double dot = 0, ours = 0, theirs = 0;
    for (size_t i = 0; i < 512; ++i) {
      const double a = (*logits)[i], b = expected[position * 512 + i];
      dot += a * b, ours += a * a, theirs += b * b;
    }
    EXPECT_GE(dot / std::sqrt(ours * theirs), 0.99999) << "position " << position;
  };
  for (size_t position = 0; position < 40; ++position) compare(position);
  // A prompt in passes of many tokens, and what comes behind it.
  ASSERT_TRUE(on_device_->feed(std::span(ids_).subspan(20, 170), 20).ok());
  for (size_t position = 190; position < 200; ++position) compare(position);
}

}  // namespace
}  // namespace lathe::models
