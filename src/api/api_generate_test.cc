#include <gtest/gtest.h>

#include "base/test_files.h"
#include "formats/fake_llama2c.h"
#include "lathe/generate.h"

namespace lathe {
namespace {

constexpr Llama2cHeader kHeader = small_llama2c(300, 100, true);

TEST(ApiGenerate, AModelThatIsNotThereIsNamed) {
  const auto opened = Generator::open({.model = "/no/such/model"});
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.status().message().find("/no/such/model"), std::string::npos);
}

TEST(ApiGenerate, SessionsGoOnTogetherAndEndForAReason) {
  const FakeFolder folder("api_generate");
  folder.write("tok300.bin", llama2c_vocabulary(300));
  const std::string model = folder.write("model.bin", llama2c_bytes(kHeader));
  auto generator = Generator::open({.model = model, .threads = 2});
  ASSERT_TRUE(generator.ok()) << generator.status().message();
  EXPECT_EQ(generator->context(), 100);
  EXPECT_EQ(generator->vocabulary(), 300);
  EXPECT_EQ(*generator->tokens_of("a"), (std::vector<int32_t>{1, 285}));
  SessionOptions letters = {.max_tokens = 3};
  letters.choose = [](std::span<const float> logits) { return static_cast<int32_t>(logits.size()) - 1; };
  const int64_t greedy = *generator->start("ab", {.stop_at_end = false}), chosen = *generator->start("b", letters);
  const int64_t cancelled = *generator->start("c");
  generator->cancel(cancelled);
  std::string text;
  int tokens = 0;
  std::vector<std::pair<int64_t, FinishReason>> ends;
  while (generator->busy())
    ASSERT_TRUE(generator
                    ->step([&](const GeneratedToken& token) {
                      if (token.session == greedy && token.token >= 0) ++tokens;
                      if (token.session == chosen) text += token.text;
                      if (token.finish != FinishReason::none) ends.emplace_back(token.session, token.finish);
                    })
                    .ok());
  EXPECT_EQ(text, " o o o");
  EXPECT_EQ(ends, (std::vector<std::pair<int64_t, FinishReason>>{{cancelled, FinishReason::cancelled},
                                                                 {chosen, FinishReason::max_tokens},
                                                                 {greedy, FinishReason::context_full}}));
  EXPECT_EQ(tokens, 100 - static_cast<int>(generator->tokens_of("ab")->size()));
}

TEST(ApiGenerate, AnAnswerThatAGrammarOrASchemaAllows) {
  const FakeFolder folder("api_generate_grammar");
  folder.write("tok300.bin", llama2c_vocabulary(300));
  auto generator = Generator::open({.model = folder.write("model.bin", llama2c_bytes(kHeader)), .threads = 1});
  ASSERT_TRUE(generator.ok()) << generator.status().message();
  const auto answer = [&](std::string grammar, std::string json_schema) -> std::string {
    SessionOptions options;
    options.grammar = std::move(grammar);
    options.json_schema = std::move(json_schema);
    const auto session = generator->start("a", options);
    if (!session) return session.status().message();
    std::string text;
    while (generator->busy())
      EXPECT_TRUE(generator->step([&text](const GeneratedToken& token) { text += token.text; }).ok());
    return text;
  };
  EXPECT_EQ(answer(R"(root ::= "yes, it is")", ""), "yes, it is");
  const std::string json = answer("", R"({"const": {"a": [1, null]}})");  // with blanks around it
  EXPECT_NE(json.find(R"({"a":[1,null]})"), std::string::npos) << json;
  EXPECT_NE(answer("root ::= (", "").find("grammar, line 1"), std::string::npos);
  EXPECT_NE(answer("", "{").find("json_schema: "), std::string::npos);
  EXPECT_EQ(answer("x", "{}"), "grammar and json_schema are both given, needed: one of them");
}

}  // namespace
}  // namespace lathe
