// Once the buffers have grown, encoding allocates nothing.
#include <gtest/gtest.h>

#include "base/counting_new.h"
#include "tokenize/test_data.h"
#include "tokenize/test_json.h"

namespace lathe::tokenize {
namespace {

const char* const kTexts[] = {"Hello, y'all! How are you? An unaffable internationalisation of 1234 things",
                              "Caf\xC3\xA9 e\xCC\x81\xCC\xA8 \xE6\x88\x91\xE6\x83\xB3 "
                              "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82 \xF0\x9F\x98\x80",
                              "bad \xFF\xFE bytes", ""};

void expect_no_allocations(const Tokenizer& tokenizer) {
  Workspace work;
  Encoding encoding;
  for (int round = 0; round < 5; ++round) {
    const int64_t before = allocations;
    for (const char* text : kTexts) ASSERT_TRUE(tokenizer.encode(text, {.max_tokens = 16}, work, encoding).ok());
    if (round > 2) {
      EXPECT_EQ(allocations - before, 0);
    }
  }
}

TEST(TokenizeAllocation, SmallWordPiece) {
  expect_no_allocations(tokenizer_of(wordpiece_json({"[UNK]", "hello", "how", "##s", "un", "##aff"})));
}

class FromData : public ::testing::TestWithParam<const char*> {};
TEST_P(FromData, Nothing) {
  LATHE_NEEDS_TEST_DATA(GetParam());
  const auto tokenizer = Tokenizer::load(test_data(GetParam()));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  expect_no_allocations(*tokenizer);
}
INSTANTIATE_TEST_SUITE_P(TokenizeAllocation, FromData,
                         ::testing::Values("tokenizers/all-MiniLM-L6-v2", "tokenizers/gpt2", "tokenizers/qwen2",
                                           "tokenizers/xlm-roberta/tokenizer.reconstructed.json", "tokenizers/llama2"));

}  // namespace
}  // namespace lathe::tokenize
