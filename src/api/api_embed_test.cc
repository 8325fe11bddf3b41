#include <gtest/gtest.h>

#include "base/test_files.h"
#include "gpu/instance.h"
#include "lathe/embed.h"

namespace lathe {
namespace {

TEST(ApiEmbed, AModelThatIsNotThereIsNamed) {
  const auto opened = Embedder::open({.model = "/no/such/model"});
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.status().message().find("/no/such/model"), std::string::npos);
}

TEST(ApiEmbed, VectorsHaveTheLengthThatWasAskedFor) {
  const std::string model = test_data("fixtures/tiny_bert");
  if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is not there";
  auto embedder = Embedder::open({.model = model, .threads = 2, .dim = 20});
  ASSERT_TRUE(embedder.ok()) << embedder.status().message();
  EXPECT_EQ(embedder->dim(), 20);
  EXPECT_EQ(embedder->max_tokens(), 128);
  const std::string_view texts[] = {"one text", "", "another text"};
  const auto together = embedder->embed(texts), alone = embedder->embed(std::span(texts).last(1));
  ASSERT_TRUE(together.ok() && alone.ok());
  EXPECT_EQ(together->tokens.size(), 3u);
  for (int64_t text = 0; text < 3; ++text) {
    double squares = 0;
    for (const float x : together->vector(text)) squares += double{x} * x;
    EXPECT_NEAR(squares, 1.0, 1e-6);
  }
  for (size_t j = 0; j < 20; ++j) EXPECT_EQ(together->vector(2)[j], alone->vector(0)[j]);
}

TEST(ApiEmbed, AnErrorOfOneTextHoldsUpNoOther) {
  const std::string model = test_data("fixtures/tiny_bert");
  if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is not there";
  auto embedder = Embedder::open({.model = model, .max_tokens = 8, .overflow = EmbedOverflow::error});
  ASSERT_TRUE(embedder.ok()) << embedder.status().message();
  const std::string_view texts[] = {"one", "one text with far more tokens than those eight that it may have", "two"};
  std::vector<bool> embedded;
  const Status status = embedder->embed(texts, [&](const Embedding& e) {
    EXPECT_EQ(e.text, static_cast<int64_t>(embedded.size()));
    EXPECT_EQ(e.vector.empty(), !e.status.ok());
    embedded.push_back(e.status.ok());
    return Status();
  });
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(embedded, (std::vector<bool>{true, false, true}));
  const auto all = embedder->embed(texts);
  ASSERT_FALSE(all.ok());
  EXPECT_TRUE(all.status().message().starts_with("text 1: ")) << all.status().message();
  EXPECT_EQ(embedder->embed(texts, [](const Embedding&) { return failed("enough"); }).message(), "enough");
}

TEST(ApiEmbed, APromptIsWordsBeforeTheText) {
  const std::string model = test_data("fixtures/tiny_bert");
  if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is not there";
  auto embedder = Embedder::open({.model = model});
  ASSERT_TRUE(embedder.ok()) << embedder.status().message();
  const std::string_view whole[] = {"one text"}, rest[] = {"text"};
  const auto expected = embedder->embed(whole);
  EXPECT_TRUE(embedder->tasks().empty());
  EXPECT_FALSE(embedder->set_task("query").ok());
  ASSERT_TRUE(embedder->set_prompt("one ").ok());
  EXPECT_EQ(embedder->embed(rest)->values, expected->values);
}

TEST(ApiEmbed, ADeviceComputesTheSameVectors) {
  const std::string model = shipped_model("words.gguf");
  EXPECT_FALSE(Embedder::open({.model = model, .device = 99}).ok());
  const auto instance = gpu::Instance::create();
  if (!instance || (*instance)->devices().empty()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  auto on_cpu = Embedder::open({.model = model, .type = EmbedType::f32});
  auto on_device = Embedder::open({.model = model, .type = EmbedType::f32, .device = 0});
  ASSERT_TRUE(on_cpu.ok() && on_device.ok()) << on_device.status().message();
  const std::string_view texts[] = {"one text", "the river carries water to the sea"};
  const auto expected = on_cpu->embed(texts), found = on_device->embed(texts);
  ASSERT_TRUE(expected.ok() && found.ok());
  ASSERT_EQ(found->values.size(), expected->values.size());
  for (int64_t text = 0; text < 2; ++text) {
    double dot = 0;
    for (size_t j = 0; j < found->vector(text).size(); ++j)
      dot += double{found->vector(text)[j]} * double{expected->vector(text)[j]};
    EXPECT_GE(dot, 0.99999);
  }
}

TEST(ApiEmbed, ANumberThatIsNoEnumeratorIsAnError) {
  EXPECT_NE(Embedder::open({.model = "x", .type = static_cast<EmbedType>(9)}).status().message().find("type is 9"),
            std::string::npos);
}

}  // namespace
}  // namespace lathe
