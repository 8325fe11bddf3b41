#include "run/pair_data.h"

#include <gtest/gtest.h>

#include "base/test_files.h"

namespace lathe::run {
namespace {

tokenize::Tokenizer tokenizer() {
  return std::move(*tokenize::Tokenizer::from_vocab_txt("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nc\nd\n"));
}

class PairDataTest : public testing::Test {
 protected:
  Result<PairData> load(const std::string& name, const std::string& text, int64_t max_tokens = 5) {
    folder_.write(name, text);
    return PairData::load(folder_.path(name), fields_, tokenizer(), max_tokens);
  }
  std::string error(const std::string& name, const std::string& text) {
    const auto loaded = load(name, text);
    return loaded ? "" : loaded.status().message().substr(folder_.path(name).size());
  }

  FakeFolder folder_{"pair_data"};
  PairFields fields_;
};

TEST_F(PairDataTest, ReadsColumnsAndKnowsEqualTexts) {
  const auto data = load("p.tsv", "a b\tc\r\n\nc\ta b\na a a a a\td\n");
  ASSERT_TRUE(data.ok()) << data.status().message();
  EXPECT_EQ(data->pairs(), 3);
  EXPECT_EQ(data->texts(), 4);
  EXPECT_EQ(data->cut(), 1);
  EXPECT_EQ(data->longest(), 5);
  EXPECT_FALSE(data->negatives());
  PairData::Batch batch;
  const int64_t pairs[] = {1, 0};
  data->fill(pairs, batch);
  EXPECT_EQ(batch.identity, (std::vector<int32_t>{1, 0, 0, 1}));
  EXPECT_EQ(batch.offsets, (std::vector<int64_t>{0, 3, 7, 11, 14}));
  EXPECT_EQ(std::vector<int32_t>(batch.ids.begin(), batch.ids.begin() + 7),
            (std::vector<int32_t>{2, 6, 3, 2, 4, 5, 3}));
}

TEST_F(PairDataTest, ABatchNeverHasMoreTokensThanIsSaid) {
  const auto data = load("p.tsv", "a\tb\na b c\tc\nd\ta b c\n", 5);
  ASSERT_TRUE(data.ok()) << data.status().message();
  EXPECT_EQ(data->most_tokens(2), 16);  // the longest pair twice, where two epochs meet
  EXPECT_EQ(data->most_tokens(4), 32);
}

TEST_F(PairDataTest, ReadsJsonLinesWithNegatives) {
  fields_.anchor = "query";
  const auto data = load("p.jsonl", R"({"query": "a", "positive": "b", "negative": "c", "more": 1})");
  ASSERT_TRUE(data.ok()) << data.status().message();
  EXPECT_TRUE(data->negatives());
  EXPECT_EQ(data->pairs(), 1);
}

TEST_F(PairDataTest, MistakesNameTheLine) {
  EXPECT_EQ(error("p.tsv", "\n"), ": holds no pair, needed: a line for each");
  EXPECT_EQ(error("p.tsv", "a\tb\nc\n"),
            " line 2: has one column, needed: an anchor, a tab and a positive, and maybe a tab and a negative");
  EXPECT_EQ(error("p.tsv", "a\tb\tc\td\n").substr(0, 36), " line 1: has more than three columns");
  EXPECT_EQ(error("p.tsv", "a\tb\na\tb\tc\n"), " line 2: has 3 texts, needed: 2 as in the lines before");
  EXPECT_EQ(error("p.tsv", "a\t \n"), " line 1: has an empty text, needed: one with words");
  EXPECT_EQ(error("p.jsonl", R"({"anchor": "a", "positive": 3})"),
            " line 1: has no text in the field 'positive', needed: an object with one; --anchor, --positive and "
            "--negative name others");
  EXPECT_NE(error("p.jsonl", "{\"anchor\": \"a\"").find("line 1"), std::string::npos);
}

}  // namespace
}  // namespace lathe::run
