#include <gtest/gtest.h>

#include "formats/hf_config.h"
#include "models/bert_encoder.h"
#include "models/test_bert.h"

namespace lathe::models {
namespace {

using testing::TestBert;
using testing::TestTexts;

constexpr Pooling kMean[] = {Pooling::mean};

std::unique_ptr<Team> team_of(int threads) { return std::move(*Team::create({.threads = threads})); }

BertEncoder encoder_of(const TestBert& bert, Team& team, matmul::Type stored = matmul::Type::f32) {
  auto weights = BertWeights::bind(bert.config, *bert.table(), stored, &team);
  EXPECT_TRUE(weights.ok()) << weights.status().message();
  return BertEncoder(bert.config, std::move(*weights), stored, team);
}

std::vector<float> run(BertEncoder& encoder, std::span<const int32_t> ids, std::span<const int64_t> offsets) {
  const int64_t width = encoder.sizes().width;
  std::vector<float> vectors((offsets.size() - 1) * static_cast<size_t>(width));
  const Status status = encoder.run({.ids = ids, .offsets = offsets}, {.modes = kMean, .keep = width}, vectors.data());
  EXPECT_TRUE(status.ok()) << status.message();
  return vectors;
}

TEST(Bert, IsNearFloat64WithEveryPrefixAndPositionOffset) {
  for (const auto& [prefix, first] : {std::pair{"", 0}, {"bert.", 0}, {"model.", 2}, {"roberta.", 2}}) {
    const TestBert bert(prefix, first);
    const TestTexts texts({1, 7, 70, 16}, bert.config.vocabulary);
    const auto team = team_of(2);
    BertEncoder encoder = encoder_of(bert, *team);
    const auto found = run(encoder, texts.ids, texts.offsets);
    for (size_t i = 0; i < 4; ++i) {
      const auto exact = bert.embed(texts.text(i));
      for (size_t j = 0; j < exact.size(); ++j) EXPECT_NEAR(found[i * exact.size() + j], exact[j], 2e-6) << prefix << i;
    }
  }
}

TEST(Bert, ATextHasTheSameBitsAloneAndInAnyBatchWithOneToThreeThreads) {
  const TestBert bert;
  const TestTexts texts({5, 1, 88, 17, 64, 5, 33}, bert.config.vocabulary);
  for (const auto stored : {matmul::Type::f32, matmul::Type::bf16, matmul::Type::q8_0}) {
    std::vector<float> expected;
    for (const int threads : {1, 2, 3}) {
      const auto team = team_of(threads);
      BertEncoder encoder = encoder_of(bert, *team, stored);
      const auto together = run(encoder, texts.ids, texts.offsets);
      if (expected.empty()) expected = together;
      EXPECT_EQ(together, expected);
      std::vector<float> alone;
      for (size_t i = 0; i + 1 < texts.offsets.size(); ++i) {
        const int64_t offsets[] = {0, static_cast<int64_t>(texts.text(i).size())};
        const auto one = run(encoder, texts.text(i), offsets);
        alone.insert(alone.end(), one.begin(), one.end());
      }
      EXPECT_EQ(alone, expected);
    }
  }
}

TEST(Bert, HoweverThePassIsDispatchedTheBitsAreTheSameAndItsProfileIsWhole) {
  const TestBert bert;
  const TestTexts texts({40, 3, 20}, bert.config.vocabulary);
  const auto team = team_of(2);
  BertEncoder encoder = encoder_of(bert, *team);
  const auto expected = run(encoder, texts.ids, texts.offsets);
  for (const auto dispatch : {ops::Dispatch::op, ops::Dispatch::layer, ops::Dispatch::model}) {
    ops::Profile profile;
    encoder.set_dispatch(dispatch);
    encoder.set_profile(&profile);
    EXPECT_EQ(run(encoder, texts.ids, texts.offsets), expected);
    double flops = 0;
    for (const ops::Profile::Entry& entry : profile.entries()) flops += entry.flops;
    const double w = 48, inner = 80, tokens = 63, pairs = 40 * 40 + 3 * 3 + 20 * 20;
    EXPECT_EQ(flops, 2 * (2 * tokens * w * (4 * w + 2 * inner) + 4 * pairs * w));
  }
}

TEST(Bert, ShrinkingAndGrowingChangesNothing) {
  const TestBert bert;
  const TestTexts texts({40, 20}, bert.config.vocabulary);
  const auto team = team_of(2);
  BertEncoder encoder = encoder_of(bert, *team);
  const auto before = run(encoder, texts.ids, texts.offsets);
  EXPECT_TRUE(encoder.shrink(3).ok());
  EXPECT_EQ(run(encoder, texts.ids, texts.offsets), before);
}

TEST(Bert, WhatIsMissingOrMisshapedIsNamed) {
  const auto bind = [](const TestBert& bert) {
    return BertWeights::bind(bert.config, *bert.table(), matmul::Type::f32, nullptr).status().message();
  };
  TestBert missing;
  std::erase_if(missing.views, [](const TensorView& v) { return v.name == "encoder.layer.1.output.dense.bias"; });
  EXPECT_NE(bind(missing).find("encoder.layer.1.output.dense.bias"), std::string::npos) << bind(missing);
  TestBert narrow;
  narrow.config.intermediate = 64;
  EXPECT_NE(bind(narrow).find("encoder.layer.0.intermediate.dense.weight"), std::string::npos) << bind(narrow);
  EXPECT_NE(bind(narrow).find("[80, 48]"), std::string::npos) << bind(narrow);
  EXPECT_NE(bind(narrow).find("[64, 48]"), std::string::npos) << bind(narrow);
}

TEST(Bert, ABatchThatTheModelCannotTakeIsRefused) {
  const TestBert bert;
  const auto team = team_of(1);
  BertEncoder encoder = encoder_of(bert, *team);
  std::vector<float> out(static_cast<size_t>(bert.config.width));
  const PoolOptions pool = {.modes = kMean, .keep = bert.config.width};
  const auto refusal = [&](std::vector<int32_t> ids, std::vector<int64_t> offsets) {
    return encoder.run({.ids = ids, .offsets = offsets}, pool, out.data()).message();
  };
  EXPECT_NE(refusal({60}, {0, 1}).find("token 60"), std::string::npos);
  EXPECT_NE(refusal({-1}, {0, 1}).find("token -1"), std::string::npos);
  EXPECT_NE(refusal(std::vector<int32_t>(91), {0, 91}).find("91 tokens"), std::string::npos);
  EXPECT_NE(refusal({1, 2}, {0, 2, 2}).find("0 tokens"), std::string::npos);
  EXPECT_NE(refusal({1, 2}, {0, 1}).find("offsets"), std::string::npos);
}

std::string config_error(const std::string& json) {
  const auto config = HfConfig::parse(json, "config.json");
  return config.ok() ? read_bert_config(*config).status().message() : config.status().message();
}

TEST(BertConfig, ReadsBertAndRobertaAndNamesWhatIsWrong) {
  const std::string sizes = R"("hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 64, "vocab_size": 256, "max_position_embeddings": 130, "type_vocab_size": 1,
    "layer_norm_eps": 1e-5)";
  const auto bert =
      read_bert_config(*HfConfig::parse(R"({"model_type": "bert", "hidden_act": "gelu",)" + sizes + "}", "c"));
  ASSERT_TRUE(bert.ok()) << bert.status().message();
  EXPECT_EQ(bert->max_tokens(), 130);
  const auto xlmr = read_bert_config(
      *HfConfig::parse(R"({"model_type": "xlm-roberta", "pad_token_id": 1, "hidden_act": "gelu",)" + sizes + "}", "c"));
  ASSERT_TRUE(xlmr.ok()) << xlmr.status().message();
  EXPECT_EQ(xlmr->first_position, 2);
  EXPECT_EQ(xlmr->max_tokens(), 128);
  EXPECT_NE(config_error(R"({"model_type": "llama"})").find("model_type is 'llama'"), std::string::npos);
  EXPECT_NE(config_error(R"({"model_type": "bert"})").find("hidden_size"), std::string::npos);
  EXPECT_NE(config_error(R"({"model_type": "bert", "hidden_act": "mish",)" + sizes + "}").find("hidden_act is 'mish'"),
            std::string::npos);
  EXPECT_NE(config_error(R"({"model_type": "xlm-roberta", "pad_token_id": 129, "hidden_act": "gelu",)" + sizes + "}")
                .find("max_position_embeddings is 130"),
            std::string::npos);
}

}  // namespace
}  // namespace lathe::models
