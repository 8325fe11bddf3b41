// A GGUF vocabulary as tokenizer.json: what is read back cuts every text as the vocabulary does.
#include "tokenize/export_json.h"

#include <gtest/gtest.h>

#include "tokenize/test_data.h"
#include "tokenize/test_gguf.h"

namespace lathe::tokenize {
namespace {

constexpr const char* kTexts[] = {"Hello, world!",
                                  " two  spaces and\ttabs\n\nand lines ",
                                  "it's 12345 o'clock; naïve café, 日本語 und Füße",
                                  "\xF0\x9F\x98\x80 emoji \xE2\x96\x81 mark",
                                  "",
                                  "def f(x):\n    return x ** 2  # <s> </s> <|endoftext|>"};

void expect_same(const GgufVocab& vocab) {
  const auto from = Tokenizer::from_gguf("vocabulary", vocab);
  ASSERT_TRUE(from.ok()) << from.status().message();
  const auto made = export_json("vocabulary", vocab, "{{ messages }}");
  ASSERT_TRUE(made.ok()) << made.status().message();
  EXPECT_NE(made->config.find("{{ messages }}"), std::string::npos);
  const auto back = Tokenizer::from_json("tokenizer.json", made->tokenizer, {.tokenizer_config = made->config});
  ASSERT_TRUE(back.ok()) << back.status().message();
  for (const char* text : kTexts) {
    const auto a = from->encode(text), b = back->encode(text);
    ASSERT_TRUE(a.ok() && b.ok()) << text;
    EXPECT_EQ(a->ids, b->ids) << text;
    const auto again = back->decode(b->ids);
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(*again, *from->decode(a->ids)) << text;
  }
}

TEST(ExportJson, ByteLevel) {
  LATHE_NEEDS_TEST_DATA("vectors/ggml-vocab-gpt-2.gguf");
  const TestGguf file(read_test_data("vectors/ggml-vocab-gpt-2.gguf"));
  expect_same(file.vocab());
}

TEST(ExportJson, SentencePiece) {
  LATHE_NEEDS_TEST_DATA("vectors/ggml-vocab-llama-spm.gguf");
  const TestGguf file(read_test_data("vectors/ggml-vocab-llama-spm.gguf"));
  expect_same(file.vocab());
}

TEST(ExportJson, SmallOnesOfEitherKind) {
  const std::string_view pieces[] = {"<unk>",
                                     "<s>",
                                     "</s>",
                                     "\xE2\x96\x81",
                                     "a",
                                     "b",
                                     "ab",
                                     "\xE2\x96\x81"
                                     "ab",
                                     "c"};
  const float scores[] = {0, 0, 0, -9, -10, -11, -1, -2, -12};
  const int32_t types[] = {2, 3, 3, 1, 1, 1, 1, 1, 1};
  GgufVocab llama{.model = "llama", .tokens = pieces, .scores = scores, .token_types = types};
  llama.special.unk = 0, llama.special.bos = 1, llama.special.eos = 2;
  expect_same(llama);
  llama.add_space_prefix = false;
  expect_same(llama);
}

TEST(ExportJson, NamesWhatItCannotSay) {
  const std::string_view twice[] = {"a", "b", "a"};
  const float scores[] = {0, 0, 0};
  const auto same = export_json("v.gguf", {.model = "llama", .tokens = twice, .scores = scores}, "");
  ASSERT_FALSE(same.ok());
  EXPECT_NE(same.status().message().find("tokens 0 and 2 are both \"a\""), std::string::npos)
      << same.status().message();
  const auto kind = export_json("v.gguf", {.model = "bert", .tokens = twice}, "");
  ASSERT_FALSE(kind.ok());
  EXPECT_NE(kind.status().message().find("needed gpt2 or llama"), std::string::npos) << kind.status().message();
}

}  // namespace
}  // namespace lathe::tokenize
