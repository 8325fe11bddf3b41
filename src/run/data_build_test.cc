#include "run/data_build.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "base/test_files.h"
#include "formats/token_shard.h"
#include "run/tokenizer_files.h"

namespace lathe::run {
namespace {

class DataBuild : public testing::Test {
 protected:
  Result<DataBuildReport> build(std::vector<std::string> files, DataBuildOptions options = {}) {
    options.corpus.files = std::move(files);
    if (options.tokenizer.empty()) options.tokenizer = "chars";
    options.output = folder_.path("out.shard");
    options.threads = 2;
    return build_data(options);
  }
  TokenShard shard() {
    auto opened = TokenShard::open(folder_.path("out.shard"));
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    return std::move(opened).value();
  }
  std::string text() {
    const TokenShard data = shard();
    std::vector<int32_t> ids(static_cast<size_t>(data.count()));
    data.read(0, ids);
    const auto tokenizer = tokenizer_of(data.info().tokenizer, "shard");
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.status().message();
    const auto decoded = tokenizer->decode(ids);
    EXPECT_TRUE(decoded.ok());
    return decoded.ok() ? *decoded : "";
  }
  FakeFolder folder_{"data_build"};
};

TEST_F(DataBuild, CharactersComeBack) {
  const std::string written = "héllo  wörld\n\tend \u2603";
  const auto report = build({folder_.write("a.txt", written)});
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(text(), written);
  EXPECT_EQ(report->documents, 1);
  EXPECT_EQ(report->train_count + report->validation_count, 19);
  EXPECT_EQ(report->train_count, 17);  // as nanoGPT cuts: int(19 * 0.9)
}

// The table is a tokenizer like any other: it gives the ids that were written.
TEST_F(DataBuild, TheStoredTokenizerGivesTheSameIds) {
  const std::string written = "to be, or not to be: that is the question";
  ASSERT_TRUE(build({folder_.write("a.txt", written)}).ok());
  const TokenShard data = shard();
  std::vector<int32_t> ids(static_cast<size_t>(data.count()));
  data.read(0, ids);
  const auto tokenizer = tokenizer_of(data.info().tokenizer, "shard");
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_EQ(tokenizer->encode(written)->ids, ids);
  EXPECT_EQ(tokenizer->vocab_size(), data.info().vocabulary);
}

TEST_F(DataBuild, JsonLinesAndTheirField) {
  const std::string lines = "{\"story\": \"one\"}\n\n{\"story\": \"two\", \"n\": 1}\n{\"story\": \"\"}\n";
  DataBuildOptions options;
  options.corpus.field = "story";
  options.validation = 0;
  const auto report = build({folder_.write("a.jsonl", lines)}, options);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->documents, 2);
  EXPECT_EQ(text(), "one\ntwo\n");
  const Status missing = build({folder_.path("a.jsonl")}).status();
  EXPECT_NE(missing.message().find("a.jsonl line 1: has no text in the field 'text'"), std::string::npos);
}

TEST_F(DataBuild, DocumentsOfATextFile) {
  DataBuildOptions options;
  options.corpus.document_end = "<|endoftext|>";
  options.validation = 0.4;
  const auto report =
      build({folder_.write("a.txt", "abcd\n<|endoftext|>\nefgh\n<|endoftext|>\nij\n<|endoftext|>")}, options);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->documents, 3);
  EXPECT_EQ(text(), "abcd\nefgh\nij\n");
  EXPECT_EQ(report->train_count, 10);  // 7.8 of 13 moved to where a document begins
}

TEST_F(DataBuild, SeparatorsOfATokenizer) {
  const std::string tokenizer = test_data("tokenizers/llama2");
  if (!std::filesystem::exists(tokenizer)) GTEST_SKIP() << tokenizer << " is not there";
  DataBuildOptions options;
  options.tokenizer = tokenizer;
  options.validation = 0;
  ASSERT_TRUE(build({folder_.write("a.txt", "Hello"), folder_.write("b.txt", "Hello")}, options).ok());
  const TokenShard data = shard();
  EXPECT_EQ(data.info().separator, 1);
  EXPECT_EQ(data.info().vocabulary, 32'000);
  ASSERT_EQ(data.count(), 4);
  std::vector<int32_t> ids(4);
  data.read(0, ids);
  EXPECT_EQ(ids, (std::vector<int32_t>{1, 15043, 1, 15043}));
}

TEST_F(DataBuild, OneSentenceForWhatIsWrong) {
  EXPECT_NE(build({}).status().message().find("a text is missing"), std::string::npos);
  EXPECT_NE(build({folder_.path("none.txt")}).status().message().find("none.txt"), std::string::npos);
  DataBuildOptions share;
  share.validation = 1;
  EXPECT_NE(build({folder_.write("a.txt", "x")}, share).status().message().find("--validation is 1"),
            std::string::npos);
  DataBuildOptions format;
  format.corpus.format = "csv";
  EXPECT_NE(build({folder_.path("a.txt")}, format).status().message().find("--format is 'csv'"), std::string::npos);
  DataBuildOptions tokenizer;
  tokenizer.tokenizer = folder_.path("nowhere");
  EXPECT_FALSE(build({folder_.path("a.txt")}, tokenizer).ok());
  EXPECT_FALSE(std::filesystem::exists(folder_.path("out.shard")));
}

}  // namespace
}  // namespace lathe::run
