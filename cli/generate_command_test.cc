// lathe generate as a shell sees it: what it writes where, and how it exits.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/test_files.h"
#include "formats/fake_llama2c.h"

namespace {

using lathe::FakeFolder;

constexpr lathe::Llama2cHeader kHeader = lathe::small_llama2c(300, 100, true);

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class GenerateCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write("tok300.bin", lathe::llama2c_vocabulary(300));
    folder_.write("model.bin", lathe::llama2c_bytes(kHeader));
  }
  // The exit code; what it wrote is in out_ and err_.
  int run(const std::string& arguments, const std::string& input = "/dev/null") {
    const std::string line = "\"" LATHE_BINARY "\" generate --cache off " + arguments + " >" + folder_.path("out") +
                             " 2>" + folder_.path("err") + " <" + input;
    const int status = std::system(line.c_str());
    out_ = read_all(folder_.path("out"));
    err_ = read_all(folder_.path("err"));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string model() const { return "-m " + folder_.path("model.bin") + " "; }

  FakeFolder folder_{"generate_command"};
  std::string out_, err_;
};

TEST_F(GenerateCommand, GoesOnWithAnArgumentAFileOrStandardInput) {
  ASSERT_EQ(run(model() + "-n 20 --ignore-end 'abc def'"), 0) << err_;
  const std::string text = out_;
  EXPECT_TRUE(text.ends_with('\n'));
  EXPECT_EQ(err_, "");
  folder_.write("prompt", "abc def");
  ASSERT_EQ(run(model() + "-n 20 --ignore-end --file " + folder_.path("prompt")), 0) << err_;
  EXPECT_EQ(out_, text);
  ASSERT_EQ(run(model() + "-n 20 --ignore-end", folder_.path("prompt")), 0) << err_;
  EXPECT_EQ(out_, text);
  ASSERT_EQ(run(model() + "-n 20 --ignore-end --echo 'abc def'"), 0) << err_;
  EXPECT_EQ(out_, "abc def" + text);
}

TEST_F(GenerateCommand, WithoutAModelTheOneThatComesWithLatheGoesOnAndSaysSo) {
  ASSERT_EQ(run("'ROMEO:'"), 0) << err_;
  EXPECT_NE(err_.find("the model that comes with lathe"), std::string::npos) << err_;
  EXPECT_EQ(out_.size(), 250u + 1) << out_;  // letters, as many as its context of 256 has room for
  EXPECT_EQ(run("-n 251 'ROMEO:'"), 1) << "more was asked for than there is room";
}

TEST_F(GenerateCommand, IdsInAndOutAndTheirLogits) {
  ASSERT_EQ(run(model() + "-n 5 --ignore-end --ids --prompt-ids 1,285,286 --logits " + folder_.path("logits")), 0)
      << err_;
  EXPECT_EQ(std::ranges::count(out_, ' '), 4);
  // The prompt's three, then what the last token but one gave.
  EXPECT_EQ(read_all(folder_.path("logits")).size(), (3 + 4) * 300 * sizeof(float));
}

TEST_F(GenerateCommand, AnAnswerThatAGrammarAllows) {
  folder_.write("yes.gbnf", "root ::= (\"yes\" | \"no\") \"!\"");
  ASSERT_EQ(run(model() + "ab --grammar " + folder_.path("yes.gbnf")), 0) << err_;
  EXPECT_TRUE(out_ == "yes!\n" || out_ == "no!\n") << out_;
  const auto expected = nlohmann::json::parse("[1, 2]");
  ASSERT_EQ(run(model() + "ab --json-schema '{\"enum\": [[1, 2]]}'"), 0) << err_;
  EXPECT_EQ(nlohmann::json::parse(out_, nullptr, false), expected) << out_;
  folder_.write("schema.json", R"({"enum": [[1, 2]]})");
  ASSERT_EQ(run(model() + "ab --json-schema " + folder_.path("schema.json")), 0) << err_;
  EXPECT_EQ(nlohmann::json::parse(out_, nullptr, false), expected) << out_;
}

TEST_F(GenerateCommand, JsonOfATrainedModel) {
  const std::string stories = lathe::test_data("llama2c/stories260K.bin");
  if (!std::filesystem::exists(stories)) GTEST_SKIP() << stories << " is absent";
  constexpr const char* kSchema = R"({"type": "object", "required": ["name", "age", "friends"], "properties": {
    "name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"},
    "friends": {"type": "array", "items": {"type": "string", "maxLength": 12}, "maxItems": 3}}})";
  folder_.write("schema.json", kSchema);
  for (const std::string sampling : {"", "--temperature 1.2 --seed 1", "--temperature 1.2 --seed 2"}) {
    ASSERT_EQ(run("-m " + stories + " 'Once upon a time' -n 300 " + sampling + " --json-schema " +
                  folder_.path("schema.json")),
              0)
        << err_;
    const auto json = nlohmann::json::parse(out_, nullptr, false);
    ASSERT_TRUE(json.is_object()) << out_;
    EXPECT_TRUE(json["name"].is_string() && json["age"].is_number_integer() && json["friends"].is_array()) << out_;
    EXPECT_EQ(json.size(), 3u) << out_;
  }
}

TEST_F(GenerateCommand, AMessageByATemplateAndEveryDispatch) {
  folder_.write("t.jinja", "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}");
  ASSERT_EQ(run(model() + "-n 10 'system:s;user:abc;'"), 0) << err_;
  const std::string text = out_;
  for (const char* dispatch : {"op", "layer", "model"}) {
    ASSERT_EQ(
        run(model() + "-n 10 --chat --system s --template " + folder_.path("t.jinja") + " abc --dispatch " + dispatch),
        0)
        << err_;
    EXPECT_EQ(out_, text);
  }
}

TEST_F(GenerateCommand, ErrorsAreOneSentenceAndAnExitCode) {
  const auto expect = [&](const std::string& arguments, int exit, const std::string& words) {
    EXPECT_EQ(run(arguments), exit) << arguments;
    EXPECT_TRUE(err_.starts_with("lathe: ")) << err_;
    EXPECT_EQ(std::ranges::count(err_, '\n'), 1) << err_;
    EXPECT_NE(err_.find(words), std::string::npos) << err_;
  };
  expect("-m /no/such/model x", 1, "/no/such/model");
  expect(model() + "--kv f8 x", 2, "--kv is 'f8', needed: one of f16, bf16, f32, q8_0");
  expect(model() + "-n -1 x", 2, "--tokens is -1");
  expect(model() + "--context 101 x", 2, "101 tokens, needed: 1 to the model's 100");
  expect(model() + "--prompt-ids 1,300", 2, "token 300, needed: 0 to 299");
  expect(model() + "--prompt-ids 1 x", 2, "as ids and as text");
  expect(model() + "--chat x", 1, "--template FILE names one");
  expect(model() + "--system s x", 2, "needed: --chat");
  expect(model() + "--chat --prompt-ids 1", 2, "--chat and --prompt-ids");
  expect(model() + "--grammar /no/such/file x", 1, "/no/such/file");
  expect(model() + "--grammar x --json-schema y x", 2, "--grammar and --json-schema");
  expect(model() + "--json-schema '{\"pattern\": 1}' x", 2, "pattern");
  expect(model() + "--dispatch x x", 2, "needed: one of op, layer, model");
  expect(model() + "--file /no/such/file", 1, "/no/such/file");
  expect(model() + "--context 10 -n 20 --ignore-end ab", 1, "the context of 10 tokens is full");
  EXPECT_NE(out_, "");  // what came before is there
}

}  // namespace
