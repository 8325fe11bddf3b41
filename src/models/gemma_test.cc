#include <gtest/gtest.h>

#include "formats/hf_config.h"
#include "models/gemma_encoder.h"
#include "models/test_bert.h"
#include "models/test_gemma.h"

namespace lathe::models {
namespace {

using testing::TestDense;
using testing::TestGemma;
using testing::TestTexts;

constexpr Pooling kMean[] = {Pooling::mean};

std::unique_ptr<Team> team_of(int threads) { return std::move(*Team::create({.threads = threads})); }

std::unique_ptr<GemmaEncoder> encoder_of(const TestGemma& gemma, Team& team, matmul::Type stored = matmul::Type::f32) {
  auto weights = GemmaWeights::bind(gemma.config, *gemma.table(), stored, &team);
  EXPECT_TRUE(weights.ok()) << weights.status().message();
  return std::make_unique<GemmaEncoder>(gemma.config, std::move(*weights), stored, team);
}

std::vector<float> run(Encoder& encoder, std::span<const int32_t> ids, std::span<const int64_t> offsets) {
  const int64_t size = encoder.vector_size(1);
  std::vector<float> vectors((offsets.size() - 1) * static_cast<size_t>(size));
  const Status status = encoder.run({.ids = ids, .offsets = offsets}, {.modes = kMean, .keep = size}, vectors.data());
  EXPECT_TRUE(status.ok()) << status.message();
  return vectors;
}

std::vector<float> run_each_alone(Encoder& encoder, const TestTexts& texts) {
  std::vector<float> alone;
  for (size_t i = 0; i + 1 < texts.offsets.size(); ++i) {
    const int64_t offsets[] = {0, static_cast<int64_t>(texts.text(i).size())};
    const auto one = run(encoder, texts.text(i), offsets);
    alone.insert(alone.end(), one.begin(), one.end());
  }
  return alone;
}

TEST(Gemma, IsNearFloat64WithTheNamesOfHuggingFaceAndOfGguf) {
  for (const auto& [gguf, prefix] : {std::pair{false, ""}, {false, "model."}, {true, ""}}) {
    const TestGemma gemma(gguf, prefix);
    const TestTexts texts({1, 7, 70, 150}, gemma.config.vocabulary);
    const auto team = team_of(2);
    const auto encoder = encoder_of(gemma, *team);
    const auto found = run(*encoder, texts.ids, texts.offsets);
    for (size_t i = 0; i < 4; ++i) {
      const auto exact = TestGemma::of_length_one(gemma.mean(texts.text(i)));
      for (size_t j = 0; j < exact.size(); ++j) EXPECT_NEAR(found[i * exact.size() + j], exact[j], 2e-6) << prefix << i;
    }
  }
}

TEST(Gemma, ATextHasTheSameBitsAloneAndInAnyBatchWithOneToThreeThreads) {
  const TestGemma gemma;
  const TestDense dense(gemma.config.width);
  const TestTexts texts({5, 1, 88, 17, 64, 5, 33}, gemma.config.vocabulary);
  for (const auto stored : {matmul::Type::f32, matmul::Type::bf16, matmul::Type::q8_0}) {
    std::vector<float> expected;
    for (const int threads : {1, 2, 3}) {
      const auto team = team_of(threads);
      const auto encoder = encoder_of(gemma, *team, stored);
      auto head = DenseHead::bind(dense.layers, gemma.config.width, stored, *team);
      ASSERT_TRUE(head.ok()) << head.status().message();
      encoder->set_head(std::move(*head));
      const auto together = run(*encoder, texts.ids, texts.offsets);
      if (expected.empty()) expected = together;
      EXPECT_EQ(together, expected);
      EXPECT_EQ(run_each_alone(*encoder, texts), expected);
      for (const auto dispatch : {ops::Dispatch::op, ops::Dispatch::layer}) {
        encoder->set_dispatch(dispatch);
        EXPECT_EQ(run(*encoder, texts.ids, texts.offsets), expected);
      }
    }
  }
}

TEST(Gemma, DenseModulesStandBetweenPoolingAndLength) {
  const TestGemma gemma;
  const TestDense dense(gemma.config.width);
  const TestTexts texts({3, 40}, gemma.config.vocabulary);
  const auto team = team_of(2);
  const auto encoder = encoder_of(gemma, *team);
  encoder->set_head(std::move(*DenseHead::bind(dense.layers, gemma.config.width, matmul::Type::f32, *team)));
  ASSERT_EQ(encoder->vector_size(1), 40);
  const auto found = run(*encoder, texts.ids, texts.offsets);
  std::vector<float> shorter(2 * 40);
  EXPECT_TRUE(encoder
                  ->run({.ids = texts.ids, .offsets = texts.offsets}, {.modes = kMean, .normalize = true, .keep = 16},
                        shorter.data())
                  .ok());
  for (size_t i = 0; i < 2; ++i) {
    auto exact = dense.apply(gemma.mean(texts.text(i)));
    const auto whole = TestGemma::of_length_one(exact);
    for (size_t j = 0; j < 40; ++j) EXPECT_NEAR(found[i * 40 + j], whole[j], 2e-6) << i;
    exact.resize(16);
    const auto part = TestGemma::of_length_one(exact);
    for (size_t j = 0; j < 16; ++j) EXPECT_NEAR(shorter[i * 40 + j], part[j], 2e-6) << i;
  }
}

TEST(Gemma, DenseModulesThatDoNotFitAreRefused) {
  const auto team = team_of(1);
  TestDense dense(64);
  const auto refusal = [&](int64_t in) {
    return DenseHead::bind(dense.layers, in, matmul::Type::f32, *team).status().message();
  };
  EXPECT_NE(refusal(48).find("takes 64 elements, needed: the 48"), std::string::npos) << refusal(48);
  dense.layers[1].activation = "Mish";
  EXPECT_NE(refusal(64).find("'Mish'"), std::string::npos) << refusal(64);
}

TEST(Gemma, WhatIsMissingOrMisshapedIsNamed) {
  const auto bind = [](const TestGemma& gemma) {
    return GemmaWeights::bind(gemma.config, *gemma.table(), matmul::Type::f32, nullptr).status().message();
  };
  for (const bool gguf : {false, true}) {
    const std::string name = gguf ? "blk.1.attn_k_norm.weight" : "layers.1.self_attn.k_norm.weight";
    TestGemma missing(gguf);
    std::erase_if(missing.views, [&](const TensorView& v) { return v.name == name; });
    EXPECT_NE(bind(missing).find(name), std::string::npos) << bind(missing);
  }
  TestGemma wide;
  wide.config.kv_heads = 4;
  EXPECT_NE(bind(wide).find("layers.0.self_attn.k_proj.weight"), std::string::npos) << bind(wide);
  EXPECT_NE(bind(wide).find("[32, 64]"), std::string::npos) << bind(wide);
}

constexpr std::string_view kSizes = R"("model_type": "gemma3_text", "hidden_size": 768, "num_hidden_layers": 3,
  "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 256, "intermediate_size": 1152, "vocab_size": 1000,
  "max_position_embeddings": 2048, "rms_norm_eps": 1e-6, "sliding_window": 512, "query_pre_attn_scalar": 256,
  "hidden_activation": "gelu_pytorch_tanh")";
constexpr std::string_view kRules = R"(, "use_bidirectional_attention": true, "rope_theta": 1000000.0,
  "rope_local_base_freq": 10000.0, "sliding_window_pattern": 2)";

Result<GemmaConfig> config_of(const std::string& json) {
  const auto config = HfConfig::parse(json, "config.json");
  if (!config) return config.status();
  return read_gemma_config(*config);
}
std::string without(std::string text, std::string_view part, std::string_view instead = "") {
  return text.replace(text.find(part), part.size(), instead);
}

TEST(GemmaConfig, ReadsTheFieldsOfBothGenerations) {
  const std::string old = "{" + std::string(kSizes) + std::string(kRules) + "}";
  const auto read = config_of(old);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->window, 256);
  EXPECT_EQ(read->sliding, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(read->scale, 0.0625f);
  EXPECT_EQ(read->global.base, 1e6);
  EXPECT_EQ(read->local.base, 1e4);
  const auto renewed = config_of("{" + std::string(kSizes) + R"(, "use_bidirectional_attention": true,
    "layer_types": ["full_attention", "sliding_attention", "full_attention"],
    "rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 5000.0},
                        "sliding_attention": {"rope_type": "default", "rope_theta": 700.0}}})");
  ASSERT_TRUE(renewed.ok()) << renewed.status().message();
  EXPECT_EQ(renewed->sliding, (std::vector<bool>{false, true, false}));
  EXPECT_EQ(renewed->global.base, 5000);
  EXPECT_EQ(renewed->global.position_scale, 8);
  EXPECT_EQ(renewed->local.base, 700);
  EXPECT_EQ(renewed->local.position_scale, 1);
}

TEST(GemmaConfig, NamesWhatIsMissingOrNotDone) {
  const std::string good = "{" + std::string(kSizes) + std::string(kRules) + "}";
  const auto error = [](const std::string& json) { return config_of(json).status().message(); };
  for (const char* field : {"head_dim", "rope_local_base_freq", "sliding_window", "query_pre_attn_scalar"}) {
    const std::string found = error(without(good, field, "other"));
    EXPECT_NE(found.find(std::string(field) + " is missing"), std::string::npos) << found;
  }
  EXPECT_NE(error(without(good, "sliding_window_pattern", "other")).find("layer_types is missing"), std::string::npos);
  EXPECT_NE(error(without(good, "attention\": true", "attention\": false")).find("use_bidirectional_attention"),
            std::string::npos);
  EXPECT_NE(error(without(good, "gelu_pytorch_tanh", "relu")).find("hidden_activation is 'relu'"), std::string::npos);
  EXPECT_NE(error(without(good, "\"head_dim\": 256", "\"head_dim\": 255")).find("head_dim is 255"), std::string::npos);
  EXPECT_NE(error(without(good, "heads\": 3", "heads\": 4, \"rope_scaling\": {\"type\": \"yarn\"}"))
                .find("rope_scaling.type is 'yarn'"),
            std::string::npos);
}

}  // namespace
}  // namespace lathe::models
