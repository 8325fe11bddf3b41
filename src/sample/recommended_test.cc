#include "sample/recommended.h"

#include <gtest/gtest.h>

#include "base/test_files.h"

namespace lathe::sample {
namespace {

class Recommended : public ::testing::Test {
 protected:
  SamplerOptions of(const std::string& json) {
    folder_.write("generation_config.json", json);
    const auto found = recommended(folder_.path());
    EXPECT_TRUE(found.ok()) << found.status().message();
    return found ? *found : SamplerOptions{};
  }
  const FakeFolder folder_{"recommended"};
};

TEST_F(Recommended, WithoutAFileTheMostProbableTokenIsTaken) {
  const auto found = recommended(folder_.path());
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->temperature, 0.0f);
  EXPECT_EQ(found->top_k, 0);
}

TEST_F(Recommended, WithoutDoSampleTemperatureAndTheLikeDoNotCount) {
  const auto found = of(R"({"temperature": 0.5, "top_k": 3, "repetition_penalty": 1.25})");
  EXPECT_EQ(found.temperature, 0.0f);
  EXPECT_EQ(found.top_k, 0);
  EXPECT_EQ(found.repetition_penalty, 1.25f);
}

TEST_F(Recommended, WhatIsLeftOutIsTransformersDefault) {
  const auto found = of(R"({"do_sample": true})");
  EXPECT_EQ(found.temperature, 1.0f);
  EXPECT_EQ(found.top_k, 50);
  EXPECT_EQ(found.top_p, 1.0f);
  EXPECT_EQ(found.min_p, 0.0f);
  const auto qwen = of(R"({"do_sample": true, "temperature": 0.7, "top_k": 20, "top_p": 0.8, "min_p": 0.05})");
  EXPECT_EQ(qwen.temperature, 0.7f);
  EXPECT_EQ(qwen.top_k, 20);
  EXPECT_EQ(qwen.top_p, 0.8f);
  EXPECT_EQ(qwen.min_p, 0.05f);
}

TEST_F(Recommended, AWrongFieldIsASentenceThatNamesIt) {
  for (const char* field : {"temperature", "top_k", "top_p", "min_p", "repetition_penalty"})
    for (const char* value : {"-1", "\"x\"", "[1]"}) {
      folder_.write("generation_config.json", std::string("{\"do_sample\": true, \"") + field + "\": " + value + "}");
      const auto refused = recommended(folder_.path());
      ASSERT_FALSE(refused.ok()) << field << " of " << value;
      EXPECT_NE(refused.status().message().find(field), std::string::npos) << refused.status().message();
    }
  folder_.write("generation_config.json", R"({"do_sample": 1})");
  EXPECT_FALSE(recommended(folder_.path()).ok());
}

}  // namespace
}  // namespace lathe::sample
