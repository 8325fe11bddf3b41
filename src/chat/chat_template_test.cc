#include "chat/chat_template.h"

#include <gtest/gtest.h>

#include "base/test_files.h"
#include "formats/hf_config.h"
#include "tokenize/test_json.h"

namespace lathe::chat {
namespace {

using Json = nlohmann::ordered_json;

const Json kHi = Json::parse(R"([{"role": "user", "content": "Hi"}])");
constexpr const char* kPlain =
    "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}\\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}";

std::string rendered(const Result<ChatTemplate>& chat, const ChatOptions& options = {}) {
  if (!chat) return chat.status().message();
  const auto text = chat->render(kHi, options);
  return text ? *text : text.status().message();
}

TEST(ChatTemplate, OfTokenizerConfig) {
  const FakeFolder folder("chat_template");
  EXPECT_EQ(
      rendered(ChatTemplate::load(folder.path())),
      folder.path() + " has no chat template: neither chat_template.jinja nor chat_template in tokenizer_config.json");
  folder.write("tokenizer_config.json",
               std::string(R"({"bos_token": {"content": "<s>"}, "chat_template": ")") + kPlain + "\"}");
  EXPECT_EQ(rendered(ChatTemplate::load(folder.path())), "<s>user: Hi\nassistant:");
  EXPECT_EQ(rendered(ChatTemplate::load(folder.path()), {.add_generation_prompt = false}), "<s>user: Hi\n");
  folder.write("chat_template.jinja", "{{ eos_token }}{{ bos_token }}{{ x }}{{ tools is none }}");
  EXPECT_EQ(rendered(ChatTemplate::load(folder.path()), {.extra = {{"x", 5}}}), "<s>5True");
  folder.write("chat_template.jinja", "{{");
  EXPECT_EQ(rendered(ChatTemplate::load(folder.path())),
            folder.path("chat_template.jinja") + ", line 1: a tag is not closed by '}}'");
}

TEST(ChatTemplate, OneForTools) {
  const FakeFolder folder("chat_template_tools");
  folder.write(
      "tokenizer_config.json",
      R"({"chat_template": [{"name": "default", "template": "plain"}, {"name": "tool_use", "template": "{{ tools[0].n }}"}]})");
  EXPECT_EQ(rendered(ChatTemplate::load(folder.path())), "plain");
  EXPECT_EQ(rendered(ChatTemplate::load(folder.path()), {.tools = Json::parse(R"([{"n": "t"}])")}), "t");
  const std::string file = folder.path("tokenizer_config.json");
  folder.write("tokenizer_config.json", R"({"chat_template": [{"name": "tool_use", "template": "x"}]})");
  EXPECT_EQ(rendered(ChatTemplate::load(folder.path())), file + ": chat_template has no template named 'default'");
  folder.write("tokenizer_config.json", R"({"chat_template": [{"name": 1}]})");
  EXPECT_EQ(rendered(ChatTemplate::load(folder.path())),
            file + ": chat_template has an element without a name and a template, both strings");
  folder.write("tokenizer_config.json", R"({"chat_template": 5})");
  EXPECT_EQ(rendered(ChatTemplate::load(folder.path())),
            file + ": chat_template is number, needed: a string or a list");
}

TEST(ChatTemplate, OfGgufMetadata) {
  const auto tokenizer = tokenize::tokenizer_of(tokenize::wordpiece_json({"[UNK]", "hello"}));
  const auto fields = HfConfig::parse(R"({"tokenizer": {"chat_template": "{{ messages[0].content }}!"}})", "f");
  EXPECT_EQ(rendered(ChatTemplate::load(static_cast<const Fields&>(*fields), tokenizer)), "Hi!");
  const auto none = HfConfig::parse("{}", "f");
  EXPECT_EQ(rendered(ChatTemplate::load(static_cast<const Fields&>(*none), tokenizer)),
            "f: has no tokenizer.chat_template, so no chat template");
}

TEST(ChatTemplate, MessagesThatAreNone) {
  const FakeFolder folder("chat_template_messages");
  folder.write("chat_template.jinja", "x");
  const auto chat = ChatTemplate::load(folder.path());
  ASSERT_TRUE(chat.ok());
  EXPECT_EQ(chat->render(Json::object(), {}).status().message(), "messages are object, needed: a list");
  EXPECT_EQ(chat->render(Json::parse("[{}]"), {}).status().message(),
            "a message is no object with a role, needed: \"role\" and \"content\"");
}

TEST(ChatTemplate, ParseOrderedKeepsTheOrderOfKeys) {
  EXPECT_EQ(parse_ordered(R"({"b": 1, "a": 2})", "m")->dump(), R"({"b":1,"a":2})");
  EXPECT_EQ(parse_ordered("{", "m").status().message().substr(0, 2), "m:");
  EXPECT_FALSE(parse_ordered(std::string(100000, '['), "m").ok());
}

}  // namespace
}  // namespace lathe::chat
