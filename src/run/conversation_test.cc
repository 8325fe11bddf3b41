#include "run/conversation.h"

#include <gtest/gtest.h>

#include "base/test_files.h"
#include "formats/fake_llama2c.h"
#include "run/generator.h"

namespace lathe::run {
namespace {

constexpr Llama2cHeader kHeader = small_llama2c();
constexpr const char* kSpecial =
    "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }}{{ eos_token }}{% endfor %}assistant:";
constexpr const char* kPlain =
    "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}assistant:";

class ConversationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write("tok320.bin", llama2c_vocabulary(kHeader.vocabulary));
    auto opened = Generator::open({.model = folder_.write("model.bin", llama2c_bytes(kHeader)), .threads = 1});
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    generator_ = std::move(*opened);
  }
  Conversation with(const char* source) {
    const tokenize::Tokenizer& tokenizer = **generator_->tokenizer();
    return {*chat::ChatTemplate::parse(source, "t", tokenizer), tokenizer, {}};
  }
  // The tokens of an answer of so many, and its text; cached_ is what of the prompt was not computed.
  std::pair<std::vector<int32_t>, std::string> answer(const Conversation::Prompt& prompt, int64_t count) {
    std::pair<std::vector<int32_t>, std::string> told;
    const int64_t session = *generator_->start(prompt.ids, {.max_tokens = count, .stop_at_end = false});
    cached_ = generator_->cached(session);
    while (generator_->busy())
      EXPECT_TRUE(generator_
                      ->step([&](const SessionEvent& event) {
                        if (event.token >= 0) told.first.push_back(event.token);
                        told.second += event.text;
                      })
                      .ok());
    return told;
  }

  FakeFolder folder_{"conversation"};
  std::unique_ptr<Generator> generator_;
  int64_t cached_ = 0;
};

TEST_F(ConversationTest, ATurnComputesItsOwnTokensOnly) {
  Conversation talk = with(kSpecial);
  talk.set_system("be b");
  talk.say("abc");
  size_t before = 0;
  for (int turn = 0; turn < 3; ++turn) {
    const auto prompt = talk.prompt();
    ASSERT_TRUE(prompt.ok()) << prompt.status().message();
    const auto [tokens, text] = answer(*prompt, 20);
    // The last token of an answer has no pass before the next turn.
    EXPECT_EQ(cached_, turn == 0 ? 0 : static_cast<int64_t>(before) - 1);
    before = prompt->ids.size() + tokens.size();
    talk.answer(*prompt, tokens, text);
    talk.say("c");
  }
}

// The same ids as the whole text has, where the answer's tokens are those that its text is encoded to.
TEST_F(ConversationTest, GoesOnFromTheTokensOfTheAnswer) {
  Conversation talk = with(kSpecial);
  talk.say("abc");
  const auto first = *talk.prompt();
  EXPECT_EQ(first.text, "<s>user:abc</s>assistant:");
  EXPECT_EQ(first.ids.front(), 1);
  const auto letters = *(*generator_->tokenizer())->encode("ab", {.add_special = false});
  talk.answer(first, letters.ids, "ab");
  talk.say("x");
  const auto second = *talk.prompt();
  EXPECT_EQ(second.text, "<s>user:abc</s>assistant:ab</s>user:x</s>assistant:");
  auto begin = first.ids;
  begin.insert(begin.end(), letters.ids.begin(), letters.ids.end());
  ASSERT_GT(second.ids.size(), begin.size());
  EXPECT_TRUE(std::equal(begin.begin(), begin.end(), second.ids.begin()));
  EXPECT_EQ(second.ids[begin.size()], 2);  // </s>
  // A stop string ended it: the tokens say more than the text, which is encoded then.
  ASSERT_TRUE(talk.take_back_question());
  ASSERT_TRUE(talk.take_back_answer());
  talk.answer(first, {}, "ab");
  talk.say("x");
  EXPECT_EQ(talk.prompt()->ids, (*generator_->tokenizer())->encode(second.text, {.add_special = false})->ids);
}

TEST_F(ConversationTest, WithoutABorderTheWholeTextIsEncoded) {
  Conversation talk = with(kPlain);
  talk.say("abc");
  const auto first = *talk.prompt();
  talk.answer(first, std::vector<int32_t>{300, 301}, "ab");
  talk.say("x");
  const auto second = *talk.prompt();
  EXPECT_EQ(second.text, "<s>user:abc;assistant:ab;user:x;assistant:");
  EXPECT_EQ(second.ids, (*generator_->tokenizer())->encode(second.text, {.add_special = false})->ids);
}

TEST_F(ConversationTest, MessagesComeAndGo) {
  Conversation talk = with(kPlain);
  EXPECT_TRUE(talk.empty());
  talk.set_system("s\xff");
  talk.say("q");
  EXPECT_FALSE(talk.take_back_answer());
  talk.answer(*talk.prompt(), {}, "a");
  EXPECT_FALSE(talk.take_back_question());
  const auto messages = talk.messages();
  EXPECT_EQ(messages.dump(),
            "[{\"role\":\"system\",\"content\":\"s\uFFFD\"},{\"role\":\"user\",\"content\":\"q\"},"
            "{\"role\":\"assistant\",\"content\":\"a\"}]");
  talk.clear();
  EXPECT_TRUE(talk.empty());
  EXPECT_EQ(talk.system(), "s\uFFFD");
  ASSERT_TRUE(talk.set_messages(messages).ok());
  EXPECT_EQ(talk.messages(), messages);
  const auto refused = [&](const char* json) {
    return talk.set_messages(nlohmann::ordered_json::parse(json)).message();
  };
  EXPECT_EQ(refused("{}"), "the messages are no list, needed: a list of objects");
  EXPECT_NE(refused(R"([{"role": "user"}])").find("needed: an object with the texts"), std::string::npos);
  EXPECT_EQ(refused(R"([{"role": "tool", "content": ""}])"),
            "a message's role is 'tool', needed: user or assistant, or system for the first");
  EXPECT_EQ(talk.messages(), messages);  // as they were
}

}  // namespace
}  // namespace lathe::run
