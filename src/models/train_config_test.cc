#include "models/train_config.h"

#include <gtest/gtest.h>

#include "models/train_layout.h"

namespace lathe::models {
namespace {

TEST(TrainConfig, EveryPresetIsAModel) {
  for (const std::string_view name : train_presets()) {
    auto config = read_train_config(std::string(name));
    ASSERT_TRUE(config.ok()) << name;
    if (name == "nanogpt-baby") {
      EXPECT_EQ(config->vocabulary, 0);
      config->vocabulary = 65;
    }
    EXPECT_TRUE(check_train_config(*config).ok()) << name << ": " << check_train_config(*config).message();
  }
}

// As llama2.c, Qwen and OpenAI count them.
TEST(TrainConfig, PresetsHaveTheWeightsOfTheirModels) {
  const struct {
    const char* name;
    int64_t weights;
  } cases[] = {{"stories260k", 260'032},
               {"stories15m", 15'191'712},
               {"stories110m", 109'529'856},
               {"qwen3-0.6b", 596'049'920},
               {"gpt2", 124'439'808}};
  for (const auto& c : cases) EXPECT_EQ(train_layout(*read_train_config(c.name)).size, c.weights) << c.name;
}

TEST(TrainConfig, WhatIsWrittenIsRead) {
  for (const std::string_view name : train_presets()) {
    const TrainConfig config = *read_train_config(std::string(name));
    const auto again = parse_train_config(train_config_json(config), "written");
    ASSERT_TRUE(again.ok()) << again.status().message();
    EXPECT_EQ(train_config_json(*again), train_config_json(config));
  }
}

TEST(TrainConfig, FieldsStandOnAPreset) {
  const auto config = parse_train_config(R"({"preset": "stories15m", "layers": 2, "width": 96})", "small.json");
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->layers, 2);
  EXPECT_EQ(config->head_dim, 16);
  EXPECT_EQ(config->intermediate, 256);
  EXPECT_EQ(config->vocabulary, 32000);
}

TEST(TrainConfig, WrongDescriptionsAreNamed) {
  const struct {
    const char *json, *sentence;
  } cases[] = {
      {R"({"preset": "stories"})", "preset is 'stories', needed: one of stories260k"},
      {R"({"preset": "stories15m", "layer": 2})", "the field 'layer' is none of"},
      {R"({"preset": "stories15m", "heads": 7})", "width is 288 and heads is 7"},
      {R"({"preset": "stories15m", "kv_heads": 4})", "heads is 6 and kv_heads is 4"},
      {R"({"preset": "stories15m", "head_dim": 7})", "head_dim is 7"},
      {R"({"preset": "gpt2", "tied": false})", "tied is false"},
      {R"({"preset": "gpt2", "kv_heads": 4})", "kv_heads is 4"},
      {R"({"family": "bert"})", "family is 'bert', needed: one of llama, qwen3, gpt2"},
      {R"({"width": 64, "layers": 2, "heads": 2})", "context"},
      {R"({"preset": "stories15m", "layers": 0})", "layers"},
      {R"({"preset": "stories15m", "eps": -1})", "eps"},
      {R"({"preset": "stories15m", "width": 16777216, "heads": 2, "layers": 16777216, "intermediate": 1})",
       "more than 2^40 weights"},
      {R"([1])", "needed: a JSON object"},
  };
  for (const auto& c : cases) {
    const auto config = parse_train_config(c.json, "x.json");
    ASSERT_FALSE(config.ok()) << c.json;
    EXPECT_NE(config.status().message().find(c.sentence), std::string::npos) << config.status().message();
    EXPECT_EQ(config.status().message().find("x.json"), 0u) << config.status().message();
  }
  const auto absent = read_train_config("no-such-model");
  EXPECT_NE(absent.status().message().find("none of the presets"), std::string::npos) << absent.status().message();
}

}  // namespace
}  // namespace lathe::models
