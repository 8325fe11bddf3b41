// Encoders of every family on a device against the CPU: vectors, bits, dispatch, what is recorded anew.
#include "models/device_encoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>
#include <string>

#include "gpu/test_device.h"
#include "models/bert_encoder.h"
#include "models/gemma_encoder.h"
#include "models/test_bert.h"
#include "models/test_gemma.h"
#include "models/toy_encoder.h"
#include "quant/blocks.h"

namespace lathe::models {
namespace {

using testing::TestBert;
using testing::TestDense;
using testing::TestGemma;
using testing::TestTexts;
using Vectors = std::vector<float>;

constexpr Pooling kMean[] = {Pooling::mean};

double cosine(std::span<const float> a, std::span<const float> b) {
  double dot = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * double{b[i]};
    aa += double{a[i]} * double{a[i]}, bb += double{b[i]} * double{b[i]};
  }
  return dot / std::sqrt(aa * bb);
}

template <class Block>
void round_blocks(std::span<float> values, int64_t k) {
  for (int64_t row = 0; row < std::ssize(values); row += k)
    for (int64_t at = 0; at < k; at += Block::kSize) {
      Block block;
      float rounded[Block::kSize];
      const auto count = std::min<int64_t>(Block::kSize, k - at);
      encode(values.data() + row + at, static_cast<int>(count), &block);
      decode(block, rounded);
      std::copy_n(rounded, count, values.begin() + row + at);
    }
}

// Rounds matrices to what `type` holds, so that products with weights kept as it are those with the file's values: the
// CPU rounds activations besides where weights are quantised, and the device does not.
void round_to(matmul::Type type, std::span<float> values, int64_t k) {
  if (type == matmul::Type::q8_0) round_blocks<BlockQ8_0>(values, k);
  if (type == matmul::Type::q4_0) round_blocks<BlockQ4_0>(values, k);
  if (type == matmul::Type::f16)
    for (float& v : values) v = to_float(to_f16(v));
}
template <class Test>
void round_all(matmul::Type type, Test& test) {
  for (size_t i = 0; i < test.views.size(); ++i)
    if (test.views[i].shape.rank() == 2) round_to(type, test.values[i].second, test.views[i].shape[1]);
}

std::unique_ptr<Encoder> bert_of(const TestBert& test, Team& team, matmul::Type type = matmul::Type::f32) {
  auto weights = BertWeights::bind(test.config, *test.table(), type, &team);
  EXPECT_TRUE(weights.ok()) << weights.status().message();
  return std::make_unique<BertEncoder>(test.config, std::move(*weights), type, team);
}
std::unique_ptr<Encoder> gemma_of(const TestGemma& test, const TestDense& dense, Team& team,
                                  matmul::Type type = matmul::Type::f32) {
  auto weights = GemmaWeights::bind(test.config, *test.table(), type, &team);
  EXPECT_TRUE(weights.ok()) << weights.status().message();
  auto encoder = std::make_unique<GemmaEncoder>(test.config, std::move(*weights), type, team);
  auto head = DenseHead::bind(dense.layers, test.config.width, type, team);
  EXPECT_TRUE(head.ok()) << head.status().message();
  encoder->set_head(std::move(*head));
  return encoder;
}

class DeviceEncoderTest : public gpu::DeviceTest {
 protected:
  void SetUp() override {
    gpu::DeviceTest::SetUp();
    team_ = std::move(*Team::create({.threads = 1}));
  }
  void TearDown() override {
    on_device_.reset();
    gpu::DeviceTest::TearDown();
  }

  Status open(Encoder& encoder, ops::Dispatch dispatch = ops::Dispatch::model) {
    on_device_.reset();
    auto opened = DeviceEncoder::open(encoder, device_, {.dispatch = dispatch});
    if (opened) on_device_ = std::move(*opened);
    return opened.status();
  }
  // A whole batch, or one text after the other.
  template <class Runner>
  static Vectors run(Runner& runner, int64_t row, const TestTexts& texts, const PoolOptions& pooling) {
    Vectors out(static_cast<size_t>(row * (std::ssize(texts.offsets) - 1)));
    const Status s = runner.run({.ids = texts.ids, .offsets = texts.offsets}, pooling, out.data());
    EXPECT_TRUE(s.ok()) << s.message();
    return out;
  }
  Vectors each_alone(int64_t row, const TestTexts& texts, const PoolOptions& pooling) {
    Vectors all;
    for (size_t i = 0; i + 1 < texts.offsets.size(); ++i) {
      const int64_t offsets[] = {0, std::ssize(texts.text(i))};
      Vectors one(static_cast<size_t>(row));
      const Status s = on_device_->run({.ids = texts.text(i), .offsets = offsets}, pooling, one.data());
      EXPECT_TRUE(s.ok()) << s.message();
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }
  void expect_near(const Vectors& found, const Vectors& expected, int64_t row) {
    ASSERT_EQ(found.size(), expected.size());
    for (size_t at = 0; at < found.size(); at += static_cast<size_t>(row))
      EXPECT_GE(cosine(std::span(found).subspan(at, static_cast<size_t>(row)),
                       std::span(expected).subspan(at, static_cast<size_t>(row))),
                0.99999)
          << "element " << at;
  }
  // Vectors of the CPU and of the device.
  void expect_the_cpus(Encoder& on_cpu, Encoder& encoder, const TestTexts& texts) {
    const int64_t row = encoder.vector_size(1);
    const PoolOptions pooling = {.modes = kMean, .keep = row};
    const Vectors expected = run(on_cpu, row, texts, pooling);
    const Status opened = open(encoder);
    ASSERT_TRUE(opened.ok()) << opened.message();
    expect_near(run(*on_device_, row, texts, pooling), expected, row);
    on_device_.reset();
  }

  std::unique_ptr<Team> team_;
  std::unique_ptr<DeviceEncoder> on_device_;
};

constexpr matmul::Type kTypes[] = {matmul::Type::f32, matmul::Type::f16, matmul::Type::q8_0, matmul::Type::q4_0};

TEST_F(DeviceEncoderTest, BertsVectorsAreTheCpusInEveryType) {
  for (const int first_position : {0, 2})  // BERT's, and those of RoBERTa and XLM-RoBERTa
    for (const matmul::Type type : kTypes) {
      SCOPED_TRACE(std::to_string(first_position) + " " + std::string(matmul::type_name(type)));
      TestBert test("", first_position);
      round_all(type, test);
      const TestTexts texts({1, 7, 70, 16}, test.config.vocabulary);
      expect_the_cpus(*bert_of(test, *team_), *bert_of(test, *team_, type), texts);
    }
}

TEST_F(DeviceEncoderTest, GemmasVectorsAreTheCpusInEveryType) {
  for (const matmul::Type type : kTypes) {
    SCOPED_TRACE(matmul::type_name(type));
    TestGemma test;
    TestDense dense(test.config.width);
    round_all(type, test);
    round_to(type, dense.first, test.config.width), round_to(type, dense.second, 96);
    const TestTexts texts({1, 7, 70, 150}, test.config.vocabulary);
    expect_the_cpus(*gemma_of(test, dense, *team_), *gemma_of(test, dense, *team_, type), texts);
  }
}

TEST_F(DeviceEncoderTest, OfMiniLmsShape) {
  const ToySizes sizes = {.layers = 2, .width = 384, .heads = 12, .intermediate = 1536};
  const auto on_cpu = ToyEncoder::create(sizes, *team_), toy = ToyEncoder::create(sizes, *team_);
  ASSERT_TRUE(on_cpu.ok() && toy.ok());
  expect_the_cpus((*on_cpu)->encoder(), (*toy)->encoder(), TestTexts({20, 9}, sizes.vocabulary));
}

TEST_F(DeviceEncoderTest, EveryPoolingWithTokensSkippedAndNot) {
  const TestBert test;
  const auto on_cpu = bert_of(test, *team_), encoder = bert_of(test, *team_);
  const TestTexts texts({5, 30, 2}, test.config.vocabulary);
  const int64_t skip[] = {2, 29, 0};
  ASSERT_TRUE(open(*encoder).ok());
  const Pooling modes[] = {Pooling::cls,           Pooling::max,           Pooling::mean,
                           Pooling::mean_sqrt_len, Pooling::weighted_mean, Pooling::last_token};
  const int64_t row = 6 * 48;
  for (const bool skips : {false, true})
    for (const auto& [normalize, keep] : {std::pair{false, row}, {true, row}, {true, int64_t{100}}}) {
      PoolOptions pooling = {.modes = modes, .normalize = normalize, .keep = keep};
      if (skips) pooling.skip = skip;
      const Vectors expected = run(*on_cpu, row, texts, pooling), found = run(*on_device_, row, texts, pooling);
      for (size_t i = 0; i < found.size(); ++i) {
        if (static_cast<int64_t>(i) % row >= keep) continue;
        ASSERT_NEAR(found[i], expected[i], 1e-5f * std::max(1.0f, std::fabs(expected[i]))) << i << " of " << keep;
      }
    }
}

TEST_F(DeviceEncoderTest, ATextHasTheSameBitsAloneInAnyBatchInEveryRunAndHoweverItIsDispatched) {
  const TestGemma gemma;
  const TestBert bert;
  const TestDense dense(gemma.config.width);
  const TestTexts texts({5, 1, 88, 17, 64, 5, 33}, bert.config.vocabulary);
  for (const bool is_bert : {true, false}) {
    Vectors expected;
    for (const auto dispatch : {ops::Dispatch::model, ops::Dispatch::layer, ops::Dispatch::op}) {
      const auto encoder = is_bert ? bert_of(bert, *team_) : gemma_of(gemma, dense, *team_);
      const int64_t row = encoder->vector_size(1);
      const PoolOptions pooling = {.modes = kMean, .keep = row};
      ASSERT_TRUE(open(*encoder, dispatch).ok());
      const Vectors together = run(*on_device_, row, texts, pooling);
      if (expected.empty()) expected = together;
      EXPECT_EQ(together, expected);
      EXPECT_EQ(each_alone(row, texts, pooling), expected);
      EXPECT_EQ(run(*on_device_, row, texts, pooling), expected);
    }
  }
}

TEST_F(DeviceEncoderTest, APassIsOneSubmissionOrOneOfEachStepOrOp) {
  const TestBert test;  // 2 layers, which are 4 steps
  const TestTexts texts({9, 3}, test.config.vocabulary), others({12, 4}, test.config.vocabulary);
  const auto encoder = bert_of(test, *team_);
  ASSERT_TRUE(open(*encoder).ok());
  const PoolOptions pooling = {.modes = kMean, .keep = 48};
  const auto submissions = [&](ops::Dispatch dispatch) {
    on_device_->set_dispatch(dispatch);
    const int64_t before = on_device_->submissions();
    run(*on_device_, 48, texts, pooling);
    return on_device_->submissions() - before;
  };
  EXPECT_EQ(submissions(ops::Dispatch::model), 1);
  EXPECT_EQ(submissions(ops::Dispatch::layer), 5);  // and one that fetches the vectors
  // Embedding and its norm, 7 ops of a layer, pooling and the length.
  EXPECT_GE(submissions(ops::Dispatch::op), 1 + 2 * 7 + 1);
  const int64_t recorded = on_device_->recordings();
  on_device_->set_dispatch(ops::Dispatch::model);
  run(*on_device_, 48, others, pooling);
  EXPECT_EQ(on_device_->recordings(), recorded);  // as many tokens and texts, rounded
  EXPECT_EQ(submissions(ops::Dispatch::model), 1);
}

TEST_F(DeviceEncoderTest, RoomGrowsAndRecordingsAreBounded) {
  const TestGemma test;
  const TestDense dense(test.config.width);
  const auto encoder = gemma_of(test, dense, *team_);
  ASSERT_TRUE(open(*encoder).ok());
  const PoolOptions pooling = {.modes = kMean, .keep = 40};
  const TestTexts one({9}, 60), many({200, 200, 150, 1, 30}, 60);
  const Vectors expected = run(*on_device_, 40, one, pooling);
  run(*on_device_, 40, many, pooling);
  EXPECT_EQ(run(*on_device_, 40, one, pooling), expected);
  constexpr Pooling kModes[] = {Pooling::mean, Pooling::cls, Pooling::max, Pooling::last_token};
  constexpr auto kOthers = static_cast<int64_t>(DeviceEncoder::kShapes);  // as many as are kept
  static_assert(kOthers <= 39 * std::ssize(kModes));
  PoolOptions other;
  for (int64_t i = 0; i < kOthers; ++i) {
    other = {.modes = std::span(kModes).subspan(static_cast<size_t>(i / 39), 1), .keep = 1 + i % 39};
    run(*on_device_, 40, one, other);
  }
  const int64_t recorded = on_device_->recordings();
  run(*on_device_, 40, one, other);
  EXPECT_EQ(on_device_->recordings(), recorded);
  EXPECT_EQ(run(*on_device_, 40, one, pooling), expected);  // which had gone
  EXPECT_EQ(on_device_->recordings(), recorded + 1);
}

TEST_F(DeviceEncoderTest, WhatTheDeviceDoesNotTakeIsSaidInASentence) {
  const TestBert test;
  const auto bf16 = bert_of(test, *team_, matmul::Type::bf16);
  const std::string refusal = open(*bf16).message();
  EXPECT_NE(refusal.find("weights of bf16: the device takes f32, f16, q8_0 and q4_0"), std::string::npos) << refusal;
  const auto encoder = bert_of(test, *team_);
  ASSERT_TRUE(open(*encoder).ok());
  const PoolOptions pooling = {.modes = kMean, .keep = 48};
  const TestTexts texts({3}, 60);
  Vectors out(48);
  const int32_t wrong[] = {60};
  const int64_t offsets[] = {0, 1};
  EXPECT_NE(on_device_->run({.ids = wrong, .offsets = offsets}, pooling, out.data()).message().find("token 60"),
            std::string::npos);
  EXPECT_NE(encoder->run({.ids = texts.ids, .offsets = texts.offsets}, pooling, out.data()).message().find("left"),
            std::string::npos);
}

}  // namespace
}  // namespace lathe::models
