// Texts at once on a device: the bits of each are those that it has alone, in any company; caches that grow, come and
// go.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>

#include "models/test_device_decoder.h"

namespace lathe::models {
namespace {

using testing::kFamilies;
using testing::random_ids;
using testing::TestDecoder;

constexpr size_t kSteps = 3;

using Logits = std::vector<std::vector<float>>;  // of each step

class DeviceTexts : public testing::DeviceDecoderFixture {
 protected:
  // Prompts of 1 token and more, and what is said next, whatever the logits are.
  static std::vector<std::vector<int32_t>> random_texts(const TestDecoder& test, size_t count) {
    std::vector<std::vector<int32_t>> texts;
    for (size_t i = 0; i < count; ++i)
      texts.push_back(
          random_ids(static_cast<int64_t>(kSteps + 5 * i), test.config.vocabulary, 7 + static_cast<uint32_t>(i)));
    return texts;
  }
  Status begin(DeviceText& text, const std::vector<int32_t>& ids) {
    const auto prompt = std::span(ids).first(ids.size() - kSteps);
    return prompt.empty() ? Status() : on_device_->feed(text, prompt, 0).status();
  }
  // The texts of `which`, together, in that order.
  std::vector<Logits> together(const std::vector<std::vector<int32_t>>& ids, const std::vector<size_t>& which) {
    const auto vocabulary = static_cast<size_t>(vocabulary_);
    std::vector<DeviceText> texts(which.size());
    std::vector<Logits> all(which.size());
    for (size_t i = 0; i < which.size(); ++i) EXPECT_TRUE(begin(texts[i], ids[which[i]]).ok());
    for (size_t step = 0; step < kSteps; ++step) {
      std::vector<DeviceDecoder::Next> next;
      for (size_t i = 0; i < which.size(); ++i) {
        const std::vector<int32_t>& mine = ids[which[i]];
        const size_t at = mine.size() - kSteps + step;
        next.push_back({&texts[i], mine[at], static_cast<int64_t>(at)});
      }
      const auto logits = on_device_->logits(next);
      EXPECT_TRUE(logits.ok()) << logits.status().message();
      if (!logits) return all;
      for (size_t i = 0; i < which.size(); ++i) {
        const auto row = logits->subspan(i * vocabulary, vocabulary);
        all[i].emplace_back(row.begin(), row.end());
      }
    }
    return all;
  }
  void expect_same_bits(const TestDecoder& test, Decoder& decoder) {
    const Status opened = open(decoder);
    ASSERT_TRUE(opened.ok()) << opened.message();
    vocabulary_ = test.config.vocabulary;
    const auto ids = random_texts(test, 16);
    std::vector<Logits> alone;
    for (size_t i = 0; i < ids.size(); ++i) alone.push_back(together(ids, {i}).front());
    std::vector<size_t> all(16);
    std::iota(all.begin(), all.end(), 0);
    std::ranges::sort(all, {}, [](size_t i) { return i * 7 % 16; });
    for (const std::vector<size_t>& which :
         {std::vector<size_t>{4, 0}, {0, 9, 4}, {9, 0, 4}, {12, 3, 1, 15, 2, 8, 5}, all}) {
      const auto found = together(ids, which);
      for (size_t i = 0; i < which.size(); ++i)
        EXPECT_EQ(found[i], alone[which[i]]) << "text " << which[i] << " among " << which.size();
    }
    on_device_.reset();
  }

  int64_t vocabulary_ = 0;
};

TEST_F(DeviceTexts, HaveTheSameBitsAloneAndAmongOthersInEveryFamily) {
  for (const char* family : kFamilies) {
    SCOPED_TRACE(family);
    TestDecoder test(family);
    expect_same_bits(test, *test.bind(*team_));
  }
}

TEST_F(DeviceTexts, HaveTheSameBitsAloneAndAmongOthersInEveryType) {
  for (const matmul::Type type : {matmul::Type::f16, matmul::Type::q8_0, matmul::Type::q4_0}) {
    SCOPED_TRACE(std::string(matmul::type_name(type)));
    TestDecoder test("qwen2");
    expect_same_bits(test, *test.bind(*team_, type));
  }
}

TEST_F(DeviceTexts, ChooseTogetherWhatEachChoosesAlone) {
  TestDecoder test("gemma3");
  for (const ops::Dispatch dispatch : {ops::Dispatch::model, ops::Dispatch::op}) {
    const auto decoder = test.bind(*team_);
    ASSERT_TRUE(open(*decoder, dispatch).ok());
    constexpr int64_t kTokens = 12;
    std::vector<std::vector<int32_t>> expected;
    for (int32_t i = 0; i < 5; ++i) {
      text_ = {};
      std::vector<int32_t>& mine = expected.emplace_back(1, i);
      for (int64_t position = 0; position < kTokens; ++position)
        mine.push_back(likeliest(mine.back(), position, 1)->front());
    }
    for (const int64_t count : {int64_t{1}, int64_t{3}, DeviceDecoder::kQueued}) {
      std::vector<DeviceText> texts(5);
      std::vector<DeviceDecoder::Next> next;
      std::vector<std::vector<int32_t>> found;
      for (int32_t i = 0; i < 5; ++i) next.push_back({&texts[static_cast<size_t>(i)], i, 0}), found.push_back({i});
      for (int64_t done = 0; done < kTokens; done += count) {
        const auto tokens = on_device_->likeliest(next, count);
        ASSERT_TRUE(tokens.ok()) << tokens.status().message();
        for (size_t i = 0; i < 5; ++i) {
          const auto mine = tokens->subspan(i * static_cast<size_t>(count), static_cast<size_t>(count));
          found[i].insert(found[i].end(), mine.begin(), mine.end());
          next[i].id = mine.back(), next[i].position += count;
        }
      }
      EXPECT_EQ(found, expected) << count << " at once";
    }
  }
}

// One grows beyond its first room, twice recorded for, while the other waits with less; a third ends meanwhile.
TEST_F(DeviceTexts, WaitWhileOthersGrowAndEnd) {
  TestDecoder test("llama");
  const auto decoder = test.bind(*team_);
  ASSERT_TRUE(open(*decoder).ok());
  vocabulary_ = test.config.vocabulary;
  const auto ids = random_texts(test, 5);
  const Logits alone = together(ids, {4}).front();
  const auto long_ids = random_ids(300, vocabulary_, 1);
  DeviceText waiting, growing;
  ASSERT_TRUE(begin(waiting, ids[4]).ok());
  for (size_t step = 0; step < kSteps; ++step) {
    DeviceText ending;
    const auto grown = static_cast<int64_t>(100 * step);
    ASSERT_TRUE(on_device_->feed(growing, std::span(long_ids).subspan(100 * step, 100), grown).ok());
    const size_t at = ids[4].size() - kSteps + step;
    const DeviceDecoder::Next next[] = {
        {&growing, 1, grown + 100}, {&waiting, ids[4][at], static_cast<int64_t>(at)}, {&ending, 2, 0}};
    const auto logits = on_device_->logits(next);
    ASSERT_TRUE(logits.ok()) << logits.status().message();
    const auto row = logits->subspan(static_cast<size_t>(vocabulary_), static_cast<size_t>(vocabulary_));
    EXPECT_EQ(std::vector(row.begin(), row.end()), alone[step]);
  }
  EXPECT_GT(growing.positions(), waiting.positions());
}

TEST_F(DeviceTexts, TakeMemoryWhichIsThereAgainWhenTheyEnd) {
  constexpr int64_t kBudget = int64_t{3} << 20;
  reopen({.memory_budget = kBudget});
  TestDecoder test("qwen3");
  const auto decoder = test.bind(*team_);
  ASSERT_TRUE(open(*decoder).ok());
  for (int round = 0; round < 2; ++round) {
    std::vector<DeviceText> texts(kBudget / 1024);
    Status status;
    size_t begun = 0;
    while (status.ok() && begun < texts.size()) status = on_device_->make_room(texts[begun++], 0, 1);
    EXPECT_GE(begun, 3u);
    ASSERT_EQ(status.code(), Code::out_of_memory);
    EXPECT_NE(status.message().find("needed: at most the budget of 3.0 MiB"), std::string::npos) << status.message();
    // What has its room goes on, and keeps it where more is refused.
    const DeviceDecoder::Next next = {&texts[0], 1, 0};
    ASSERT_TRUE(on_device_->logits({&next, 1}).ok());
    EXPECT_EQ(on_device_->make_room(texts[0], 1, 390).code(), Code::out_of_memory);
    EXPECT_EQ(texts[0].length(), 1);
    const DeviceDecoder::Next behind = {&texts[0], 1, 1};
    EXPECT_TRUE(on_device_->logits({&behind, 1}).ok());
  }
}

// A word of no number, which one of them comes to: the others see nothing of it.
TEST_F(DeviceTexts, WhoseLogitsAreNoNumbersAreToldFromTheOthers) {
  TestDecoder test("llama");
  const auto words = test.table().find("model.embed_tokens.weight")->bytes;
  const float none = NAN;
  std::memcpy(const_cast<std::byte*>(words.data()) + 9 * test.config.width * int64_t{sizeof none}, &none, sizeof none);
  const auto decoder = test.bind(*team_);
  ASSERT_TRUE(open(*decoder).ok());
  const auto chosen_by = [&](std::vector<int32_t> first, int64_t count) {
    std::vector<DeviceText> texts(first.size());
    std::vector<DeviceDecoder::Next> next;
    for (size_t i = 0; i < first.size(); ++i) next.push_back({&texts[i], first[i], 0});
    const auto tokens = on_device_->likeliest(next, count);
    EXPECT_TRUE(tokens.ok()) << tokens.status().message();
    return std::vector<int32_t>(tokens->begin(), tokens->end());
  };
  for (const int64_t count : {int64_t{1}, DeviceDecoder::kQueued}) {
    const auto found = chosen_by({4, 9, 5}, count), four = chosen_by({4}, count), five = chosen_by({5}, count);
    EXPECT_EQ(std::vector(found.begin(), found.begin() + count), four);
    EXPECT_EQ(found[static_cast<size_t>(count)], -1);
    EXPECT_EQ(std::vector(found.end() - count, found.end()), five);
    EXPECT_EQ(std::ranges::count(four, -1) + std::ranges::count(five, -1), 0);
  }
}

TEST_F(DeviceTexts, OfAPassAreOneToSixteenAndOthersEach) {
  TestDecoder test("llama");
  const auto decoder = test.bind(*team_);
  ASSERT_TRUE(open(*decoder).ok());
  std::vector<DeviceText> texts(17);
  std::vector<DeviceDecoder::Next> next;
  for (DeviceText& text : texts) next.push_back({&text, 1, 0});
  const DeviceDecoder::Next twice[] = {{&texts[0], 1, 0}, {&texts[1], 1, 0}, {&texts[0], 2, 0}};
  for (const Status& status :
       {on_device_->logits(next).status(), on_device_->logits({}).status(), on_device_->logits(twice).status(),
        on_device_->likeliest(next, 1).status(), on_device_->likeliest(twice, 4).status()})
    EXPECT_EQ(status.code(), Code::invalid_argument) << status.message();
  EXPECT_TRUE(on_device_->logits(std::span(next).first(16)).ok());
}

}  // namespace
}  // namespace lathe::models
