// GPT-2 as it answers, against the forward pass that it is trained by: another program over the same weights.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "gpu/instance.h"
#include "models/device_decoder.h"
#include "models/test_decoder.h"
#include "models/test_train.h"

namespace lathe::models {
namespace {

using testing::random_ids;
using testing::run_alone;
using testing::TestTrainer;

constexpr TrainConfig kConfig = {.family = TrainConfig::Family::gpt2,
                                 .vocabulary = 70,
                                 .width = 48,
                                 .layers = 3,
                                 .heads = 3,
                                 .kv_heads = 3,
                                 .head_dim = 16,
                                 .intermediate = 80,
                                 .context = 40};

class Gpt2 : public ::testing::Test {
 protected:
  // As a file has it: with Hugging Face's prefix or without, its matrices in f32 or bf16.
  TensorTable table(bool prefixed, bool rounded = false) {
    std::vector<TensorView> views;
    for (const TrainTensor& tensor : trained_.model->tensors()) {
      const auto values =
          trained_.model->weights().subspan(static_cast<size_t>(tensor.offset), static_cast<size_t>(tensor.size));
      const std::string name = tensor.name.substr(prefixed ? 0 : std::string("transformer.").size());
      TensorView view{name, DType::f32, Shape(tensor.shape), std::as_bytes(values)};
      if (rounded && tensor.decay) {
        std::vector<bf16>& kept = rounded_.emplace_back();
        for (float& x : values) x = to_float(kept.emplace_back(to_bf16(x)));
        view.dtype = DType::bf16;
        view.bytes = std::as_bytes(std::span(kept));
      }
      views.push_back(view);
    }
    return *TensorTable::create(views, "test");
  }

  static DecoderConfig config() {
    DecoderConfig c;
    c.architecture = "gpt2";
    c.width = kConfig.width;
    c.heads = c.kv_heads = kConfig.heads;
    c.head_dim = kConfig.head_dim;
    c.intermediate = kConfig.intermediate;
    c.vocabulary = kConfig.vocabulary;
    c.positions = kConfig.context;
    c.layers.resize(static_cast<size_t>(kConfig.layers), {.rotary = false});
    c.activation = matmul::Activation::gelu_tanh;
    c.qkv_bias = c.out_bias = c.ffn_bias = c.layer_norms = c.learned_positions = c.tied = true;
    c.gated = false;
    c.attention_scale = 0.25f;
    c.eps = kConfig.eps;
    return c;
  }

  std::vector<float> run(const TensorTable& tensors, int threads, size_t chunk,
                         ops::Dispatch dispatch = ops::Dispatch::model) {
    const auto team = std::move(*Team::create({.threads = threads}));
    auto weights = DecoderWeights::bind(config(), tensors, matmul::Type::f32, team.get());
    EXPECT_TRUE(weights.ok()) << weights.status().message();
    if (!weights) return {};
    Decoder decoder(config(), std::move(*weights), *team);
    decoder.set_dispatch(dispatch);
    return run_alone(decoder, ids_, chunk);
  }

  TestTrainer trained_{kConfig, {.windows = 1, .length = kConfig.context}};
  std::vector<int32_t> ids_ = random_ids(kConfig.context, kConfig.vocabulary, 5);
  std::deque<std::vector<bf16>> rounded_;
};

TEST_F(Gpt2, AnswersAsItWasTrained) {
  for (const bool prefixed : {true, false}) {
    const auto found = run(table(prefixed), 2, ids_.size());
    ASSERT_EQ(found.size(), ids_.size() * static_cast<size_t>(kConfig.vocabulary));
    for (size_t count = 1; count <= ids_.size(); ++count) {
      std::vector<float> expected(static_cast<size_t>(kConfig.vocabulary));
      const Status made = trained_.model->logits(std::span(ids_).first(count), expected);
      ASSERT_TRUE(made.ok()) << made.message();
      for (size_t i = 0; i < expected.size(); ++i)
        ASSERT_NEAR(found[(count - 1) * expected.size() + i], expected[i], 1e-4) << count << " tokens, logit " << i;
    }
  }
}

TEST_F(Gpt2, HasTheSameBitsHoweverTokensAreCutIntoPassesWithAnyThreadsAndDispatch) {
  const TensorTable tensors = table(true);
  const auto expected = run(tensors, 1, ids_.size());
  ASSERT_FALSE(expected.empty());
  for (const int threads : {1, 2, 3})
    for (const size_t chunk : {size_t{1}, size_t{7}, ids_.size()})
      for (const auto dispatch : {ops::Dispatch::model, ops::Dispatch::op})
        EXPECT_EQ(run(tensors, threads, chunk, dispatch), expected) << threads << " threads, chunks of " << chunk;
}

TEST_F(Gpt2, TheTypeOfAFileChangesNothingWhereTheValuesAreTheSame) {
  const TensorTable rounded = table(true, true);
  const auto found = run(rounded, 2, ids_.size());
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found, run(table(true), 2, ids_.size()));
}

// Where there is a device: tokens one by one, behind passes of several.
TEST_F(Gpt2, ADeviceGivesTheLogitsOfTheCpu) {
  const auto instance = gpu::Instance::create();
  if (!instance || (*instance)->devices().empty()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  const TensorTable tensors = table(true);
  const auto expected = run(tensors, 1, ids_.size());
  const auto team = std::move(*Team::create({.threads = 1}));
  Decoder decoder(config(), *DecoderWeights::bind(config(), tensors, matmul::Type::f32, team.get()), *team);
  const auto device = DeviceDecoder::open(decoder, *(*instance)->open(0), {.context = kConfig.context});
  ASSERT_TRUE(device.ok()) << device.status().message();
  const int64_t last = kConfig.context - 1;
  for (const int64_t fed : {int64_t{0}, int64_t{13}, last}) {
    DeviceText text;
    ASSERT_TRUE((*device)->feed(text, std::span(ids_).first(static_cast<size_t>(fed)), 0).ok());
    for (int64_t position = fed; position < std::min(fed + 3, last + 1); ++position) {
      const DeviceDecoder::Next next = {&text, ids_[static_cast<size_t>(position)], position};
      const auto logits = (*device)->logits({&next, 1});
      ASSERT_TRUE(logits.ok()) << logits.status().message();
      for (size_t i = 0; i < logits->size(); ++i)
        ASSERT_NEAR((*logits)[i], expected[static_cast<size_t>(position) * logits->size() + i], 1e-4)
            << "position " << position << ", logit " << i;
    }
  }
}

}  // namespace
}  // namespace lathe::models
