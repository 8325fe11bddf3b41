#include <gtest/gtest.h>

#include "base/test_files.h"
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

}  // namespace
}  // namespace lathe
