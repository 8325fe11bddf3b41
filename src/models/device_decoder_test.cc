// Decoders of every family on a device against the CPU: logits, tokens, growth, dispatch.
#include "models/device_decoder.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>

#include "models/test_device_decoder.h"
#include "sample/device_draw.h"
#include "sample/sampler.h"

namespace lathe::models {
namespace {

using testing::kFamilies;
using testing::random_ids;
using testing::run_alone;
using testing::TestDecoder;

using testing::cosine;

class DeviceDecoderTest : public testing::DeviceDecoderFixture {
 protected:
  // The logits behind every token, on the CPU, and then on the device.
  std::vector<float> on_cpu(Decoder& decoder, std::span<const int32_t> ids) { return run_alone(decoder, ids, 1); }
  std::vector<float> on_device(std::span<const int32_t> ids) {
    std::vector<float> all;
    for (size_t i = 0; i < ids.size(); ++i) {
      const auto row = logits(ids[i], static_cast<int64_t>(i));
      EXPECT_TRUE(row.ok()) << row.status().message();
      if (!row) return all;
      all.insert(all.end(), row->begin(), row->end());
    }
    return all;
  }
};

// The CPU rounds activations where it multiplies by q4_0; what the device is to give are products of the codes' values.
TEST_F(DeviceDecoderTest, LogitsAreTheCpusInEveryFamilyAndType) {
  using enum matmul::Type;
  for (const char* family : kFamilies)
    for (const matmul::Type type : {f32, f16, q8_0, q4_0}) {
      SCOPED_TRACE(std::string(family) + " " + std::string(matmul::type_name(type)));
      TestDecoder test(family);
      if (type == q4_0) test.round_to_q4_0();
      const auto ids = random_ids(20, test.config.vocabulary, 3);
      const auto expected = on_cpu(*test.bind(*team_, type == q4_0 ? f32 : type), ids);
      const auto decoder = test.bind(*team_, type);
      const Status opened = open(*decoder);
      ASSERT_TRUE(opened.ok()) << opened.message();
      const auto logits = on_device(ids);
      ASSERT_EQ(logits.size(), expected.size());
      EXPECT_GE(cosine(logits, expected), 0.99999);
      on_device_.reset();
    }
}

// Beyond the positions that there is room for at first, and back to a position in the middle.
TEST_F(DeviceDecoderTest, KeysAndValuesStayWhereRoomGrows) {
  TestDecoder test("llama");
  const auto ids = random_ids(300, test.config.vocabulary, 4);
  const auto decoder = test.bind(*team_), other = test.bind(*team_);
  const auto expected = on_cpu(*other, ids);
  ASSERT_TRUE(open(*decoder).ok());
  const auto vocabulary = static_cast<size_t>(test.config.vocabulary);
  ASSERT_TRUE(logits(ids[0], 0).ok());
  const int64_t room = text_.positions();
  ASSERT_LT(room, 299);
  ASSERT_TRUE(feed(std::span(ids).first(100), 0).ok());
  ASSERT_TRUE(feed(std::span(ids).subspan(100, 199), 100).ok());
  EXPECT_GT(text_.positions(), room);
  for (const int64_t position : {299, 150}) {
    const auto row = logits(ids[static_cast<size_t>(position)], position);
    ASSERT_TRUE(row.ok()) << row.status().message();
    EXPECT_GE(cosine(*row, std::span(expected).subspan(static_cast<size_t>(position) * vocabulary, vocabulary)),
              0.99999);
  }
}

// Of a window and of none, with norms of heads and behind what is added; in parts that are no multiple of a pass.
TEST_F(DeviceDecoderTest, PromptsInPassesOfManyTokensAreTheCpus) {
  for (const char* family : kFamilies)
    for (const int64_t first : {7, 45}) {
      SCOPED_TRACE(std::string(family) + " " + std::to_string(first));
      TestDecoder test(family);
      const auto ids = random_ids(60, test.config.vocabulary, 6);
      const auto expected = on_cpu(*test.bind(*team_), ids);
      const auto decoder = test.bind(*team_);
      auto opened = DeviceDecoder::open(*decoder, device_, {.context = 100, .prompt_tokens = 32});
      ASSERT_TRUE(opened.ok()) << opened.status().message();
      on_device_ = std::move(*opened), text_ = {};
      ASSERT_TRUE(feed(std::span(ids).first(static_cast<size_t>(first)), 0).ok());
      ASSERT_TRUE(
          feed(std::span(ids).subspan(static_cast<size_t>(first), 59 - static_cast<size_t>(first)), first).ok());
      const auto row = logits(ids.back(), 59);
      ASSERT_TRUE(row.ok());
      EXPECT_GE(cosine(*row, std::span(expected).last(row->size())), 0.99999);
    }
}

TEST_F(DeviceDecoderTest, DispatchesAndRunsHaveTheSameBits) {
  TestDecoder test("qwen3");
  const auto ids = random_ids(12, test.config.vocabulary, 5);
  std::vector<float> first;
  std::vector<int64_t> submissions;
  for (const ops::Dispatch dispatch :
       {ops::Dispatch::model, ops::Dispatch::model, ops::Dispatch::layer, ops::Dispatch::op}) {
    const auto decoder = test.bind(*team_);
    ASSERT_TRUE(open(*decoder, dispatch).ok());
    const auto logits = on_device(ids);
    if (first.empty()) first = logits;
    ASSERT_EQ(logits.size(), first.size());
    EXPECT_EQ(std::memcmp(logits.data(), first.data(), first.size() * sizeof(float)), 0);
    submissions.push_back(on_device_->submissions() / std::ssize(ids));
  }
  EXPECT_EQ(submissions[0], 1);
  EXPECT_EQ(submissions[2], std::ssize(test.config.layers) + 3);  // and embedding, head, the copy of the logits
  EXPECT_GT(submissions[3], 3 * submissions[2]);
}

TEST_F(DeviceDecoderTest, ChoosesTheLargestOneByOneAndInQueues) {
  TestDecoder test("qwen2");
  const auto decoder = test.bind(*team_);
  ASSERT_TRUE(open(*decoder).ok());
  std::vector<int32_t> expected = {5};
  for (int64_t position = 0; position < 12; ++position) {
    const auto row = logits(expected.back(), position);
    ASSERT_TRUE(row.ok());
    expected.push_back(static_cast<int32_t>(std::ranges::max_element(*row) - row->begin()));
  }
  for (const int64_t count : {int64_t{1}, int64_t{3}, DeviceDecoder::kQueued}) {
    std::vector<int32_t> chosen = {5};
    for (int64_t position = 0; position < 12; position += count) {
      const auto next = likeliest(chosen.back(), position, count);
      ASSERT_TRUE(next.ok()) << next.status().message();
      chosen.insert(chosen.end(), next->begin(), next->end());
    }
    EXPECT_EQ(chosen, expected) << count << " at once";
  }
}

// Of one type; else a look-up's bits would be others.
TEST_F(DeviceDecoderTest, WordsThatAreTheHeadTooLieThereOnce) {
  for (const matmul::Type type : {matmul::Type::f32, matmul::Type::f16}) {
    std::vector<int64_t> bytes;
    for (const bool tied : {false, true}) {
      TestDecoder test("qwen3");  // whose file has a head of its own
      test.config.tied = tied;
      const auto decoder = test.bind(*team_, type);
      ASSERT_TRUE(open(*decoder).ok());
      bytes.push_back(on_device_->uploaded_bytes());
      on_device_.reset();
    }
    const TestDecoder test("qwen3");
    const int64_t words = test.config.vocabulary * test.config.width * int64_t{sizeof(float)};
    EXPECT_EQ(bytes[0] - bytes[1], type == matmul::Type::f32 ? words : 0);
  }
}

// Of each product the row that a plan names, whose bits are others; of those with few rows of x none was measured.
TEST_F(DeviceDecoderTest, TakesTheRowsThatWereMeasured) {
  using enum matmul::Type;
  for (const matmul::Type type : {f32, q8_0}) {
    TestDecoder test("qwen2");
    const auto ids = random_ids(20, test.config.vocabulary, 3);
    const auto expected = on_cpu(*test.bind(*team_, type), ids);
    const std::string name = "columns." + std::string(matmul::type_name(type)) + ".128x64";
    const ops::MeasuredRows measured = [&name](const gpu::DeviceInfo&, const gpu::MatmulProblem& p) {
      return p.m == 1 ? std::vector{gpu::find_matmul_variant(name)} : std::vector<const gpu::MatmulVariant*>();
    };
    const auto decoder = test.bind(*team_, type);
    auto opened = DeviceDecoder::open(*decoder, device_, {.context = 100, .prompt_tokens = 10, .measured = measured});
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    on_device_ = std::move(*opened), text_ = {};
    const auto logits = on_device(ids);
    EXPECT_GE(cosine(logits, expected), 0.99999);
    const ops::DeviceProducts& products = on_device_->products();
    const int64_t alone = std::ssize(products.chosen());
    EXPECT_GE(alone, 4);
    EXPECT_EQ(products.chosen_as_measured(), alone);
    for (const ops::ProductRow& row : products.chosen()) EXPECT_EQ(row.variant->name, name);
    ASSERT_TRUE(feed(std::span(ids).first(10), 0).ok());
    EXPECT_GT(std::ssize(products.chosen()), alone);
    EXPECT_EQ(products.chosen_as_measured(), alone);
    for (const ops::ProductRow& row : products.chosen().subspan(static_cast<size_t>(alone)))
      EXPECT_EQ(row.variant->order, gpu::find_matmul_variant(name)->order) << row.variant->name;
    on_device_.reset();
  }
}

// Of the device's own logits: nothing but the draw is compared.
TEST_F(DeviceDecoderTest, DrawsAsTheSamplerDoesOneByOneAndInQueues) {
  TestDecoder test("llama");
  const auto decoder = test.bind(*team_);
  ASSERT_TRUE(open(*decoder).ok());
  constexpr int64_t kTokens = 12;
  for (const sample::SamplerOptions& options :
       {sample::SamplerOptions{.temperature = 1.0f, .seed = 3},
        sample::SamplerOptions{.temperature = 3.0f, .top_k = 12, .top_p = 0.9f, .min_p = 0.01f, .seed = 4}}) {
    auto sampler = *sample::Sampler::create(options, test.config.vocabulary);
    std::vector<int32_t> expected = {5};
    std::vector<uint64_t> random;
    for (int64_t position = 0; position < kTokens; ++position) {
      const auto row = logits(expected.back(), position);
      ASSERT_TRUE(row.ok());
      random.push_back(sampler.random_of(0));
      expected.push_back(*sampler.sample(*row));
    }
    for (const ops::Dispatch dispatch : {ops::Dispatch::model, ops::Dispatch::layer, ops::Dispatch::op})
      for (const int64_t count : {int64_t{1}, int64_t{3}, DeviceDecoder::kQueued}) {
        on_device_->set_dispatch(dispatch);
        const int64_t before = on_device_->submissions();
        std::vector<int32_t> told = {5};
        for (int64_t position = 0; position < kTokens; position += count) {
          const auto next = drawn(told.back(), position, sample::device_draw(options),
                                  std::span(random).subspan(static_cast<size_t>(position), static_cast<size_t>(count)));
          ASSERT_TRUE(next.ok()) << next.status().message();
          told.insert(told.end(), next->begin(), next->end());
        }
        EXPECT_EQ(told, expected) << count << " at once";
        const int64_t submissions = count == DeviceDecoder::kQueued ? kTokens / count : kTokens;
        if (dispatch == ops::Dispatch::model) {
          EXPECT_EQ(on_device_->submissions() - before, submissions);
        }
      }
  }
}

TEST_F(DeviceDecoderTest, RefusesWhatItHasNoKernelFor) {
  TestDecoder test("llama");
  const auto decoder = test.bind(*team_, matmul::Type::bf16);
  const Status opened = open(*decoder);
  EXPECT_EQ(opened.code(), Code::unsupported);
  EXPECT_NE(opened.message().find("bf16: the device takes f32, f16, q8_0 and q4_0"), std::string::npos)
      << opened.message();
}

TEST_F(DeviceDecoderTest, RefusesPositionsAndTokensThatAreNone) {
  TestDecoder test("llama");
  const auto decoder = test.bind(*team_);
  constexpr int64_t kContext = 3;
  ASSERT_TRUE(open(*decoder, ops::Dispatch::model, kContext).ok());
  const int32_t beyond[] = {1, static_cast<int32_t>(test.config.vocabulary)}, four[] = {1, 2, 3, 4};
  for (const Status& status : {feed(beyond, 0).status(), feed(four, 0).status(), logits(-1, 0).status(),
                               logits(1, 1).status(), logits(1, -1).status(), likeliest(1, 0, kContext + 1).status(),
                               likeliest(1, 0, 0).status(), likeliest(1, 0, DeviceDecoder::kQueued + 1).status(),
                               drawn(1, 0, {}, {}).status(), drawn(1, 1, {}, std::array<uint64_t, 1>()).status()})
    EXPECT_EQ(status.code(), Code::invalid_argument) << status.message();
  ASSERT_TRUE(feed(std::span(four).first(2), 0).ok());
  EXPECT_EQ(logits(1, 3).status().code(), Code::invalid_argument);
  EXPECT_TRUE(logits(1, 2).ok());
  const int64_t offsets[] = {0, 1};
  const auto on_cpu = decoder->run({.tokens = {std::span(beyond).first(1), offsets}, .texts = {}, .rows = {}});
  EXPECT_NE(on_cpu.status().message().find("left the CPU"), std::string::npos);
}

}  // namespace
}  // namespace lathe::models
