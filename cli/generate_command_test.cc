// lathe generate as a shell sees it: what it writes where, and how it exits.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "base/test_files.h"
#include "formats/fake_llama2c.h"

namespace {

using lathe::FakeFolder;

constexpr lathe::Llama2cHeader kHeader = {.width = 32,
                                          .intermediate = 48,
                                          .layers = 2,
                                          .heads = 4,
                                          .kv_heads = 2,
                                          .vocabulary = 300,
                                          .positions = 100,
                                          .tied = true};

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

TEST_F(GenerateCommand, IdsInAndOutAndTheirLogits) {
  ASSERT_EQ(run(model() + "-n 5 --ignore-end --ids --prompt-ids 1,285,286 --logits " + folder_.path("logits")), 0)
      << err_;
  EXPECT_EQ(std::ranges::count(out_, ' '), 4);
  // The prompt's three, then what the last token but one gave.
  EXPECT_EQ(read_all(folder_.path("logits")).size(), (3 + 4) * 300 * sizeof(float));
}

TEST_F(GenerateCommand, ErrorsAreOneSentenceAndAnExitCode) {
  const auto expect = [&](const std::string& arguments, int exit, const std::string& words) {
    EXPECT_EQ(run(arguments), exit) << arguments;
    EXPECT_TRUE(err_.starts_with("lathe: ")) << err_;
    EXPECT_EQ(std::ranges::count(err_, '\n'), 1) << err_;
    EXPECT_NE(err_.find(words), std::string::npos) << err_;
  };
  expect("-m /no/such/model x", 1, "/no/such/model");
  expect(model() + "--kv f8 x", 2, "--kv is 'f8', needed: one of f16, bf16, f32");
  expect(model() + "-n -1 x", 2, "--tokens is -1");
  expect(model() + "--context 101 x", 2, "101 tokens, needed: 1 to the model's 100");
  expect(model() + "--prompt-ids 1,300", 2, "token 300, needed: 0 to 299");
  expect(model() + "--prompt-ids 1 x", 2, "as ids and as text");
  expect(model() + "--file /no/such/file", 1, "/no/such/file");
  expect(model() + "--context 10 --ignore-end ab", 1, "the context of 10 tokens is full");
  EXPECT_NE(out_, "");  // what came before is there
}

}  // namespace
