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
    text_ = {};
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
  DeviceText text_;
};

TEST_F(DeviceStories, GreedyTokensAreThoseOfTheReference) {
  open(matmul::Type::f32);
  std::vector<int32_t> tokens = {1};  // begins a text
  while (tokens.size() <= 200) {
    const DeviceDecoder::Next last = {&text_, tokens.back(), std::ssize(tokens) - 1};
    const auto next = on_device_->likeliest({&last, 1}, DeviceDecoder::kQueued);
    ASSERT_TRUE(next.ok()) << next.status().message();
    tokens.insert(tokens.end(), next->begin(), next->end());
  }
  ASSERT_GE(ids_.size(), 201u);
  for (size_t i = 0; i < 201; ++i) ASSERT_EQ(tokens[i], ids_[i]) << "token " << i;
}

// Texts that begin with more and more of the reference, and go on together.
TEST_F(DeviceStories, GreedyTokensOfTextsAtOnceAreThoseOfTheReference) {
  open(matmul::Type::f32);
  ASSERT_GE(ids_.size(), 201u);
  std::vector<DeviceText> texts(11);
  std::vector<DeviceDecoder::Next> next;
  for (size_t i = 0; i < texts.size(); ++i) {
    const size_t begun = 7 * i;
    ASSERT_TRUE(on_device_->feed(texts[i], std::span(ids_).first(begun), 0).ok());
    next.push_back({&texts[i], ids_[begun], static_cast<int64_t>(begun)});
  }
  while (!next.empty()) {
    const auto tokens = on_device_->likeliest(next, DeviceDecoder::kQueued);
    ASSERT_TRUE(tokens.ok()) << tokens.status().message();
    for (size_t i = 0; i < next.size(); ++i)
      for (size_t j = 0; j < DeviceDecoder::kQueued; ++j) {
        next[i].id = (*tokens)[i * DeviceDecoder::kQueued + j];
        const auto at = static_cast<size_t>(++next[i].position);
        ASSERT_TRUE(at > 200 || next[i].id == ids_[at]) << "text " << i << ", token " << at;
      }
    std::erase_if(next, [](const DeviceDecoder::Next& text) { return text.position >= 200; });
  }
}

TEST_F(DeviceStories, LogitsAreThoseOfTheReference) {
  const auto bytes = *read_file(test_data("llama2c/stories260K_greedy_logits_f32_200x512.bin"), 1 << 22);
  std::vector<float> expected(bytes.size() / sizeof(float));
  std::memcpy(expected.data(), bytes.data(), bytes.size());
  open(matmul::Type::f32);
  const auto compare = [&](size_t position) {
    const DeviceDecoder::Next next = {&text_, ids_[position], static_cast<int64_t>(position)};
    const auto logits = on_device_->logits({&next, 1});
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
  ASSERT_TRUE(on_device_->feed(text_, std::span(ids_).subspan(20, 170), 20).ok());
  for (size_t position = 190; position < 200; ++position) compare(position);
}

}  // namespace
}  // namespace lathe::models
