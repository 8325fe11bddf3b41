#include "formats/token_shard.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <vector>

#include "base/test_files.h"
#include "formats/token_shard_layout.h"

namespace lathe {
namespace {

using token_shard_layout::Head;
using token_shard_layout::Tail;

class Shard : public testing::Test {
 protected:
  std::string write(std::span<const int32_t> ids, TokenShardInfo info) {
    const std::string path = folder_.path("shard");
    auto writer = TokenShardWriter::create(path, info.vocabulary);
    EXPECT_TRUE(writer.ok());
    EXPECT_TRUE(writer->add(ids).ok());
    const Status status = writer->finish(info);
    EXPECT_TRUE(status.ok()) << status.message();
    return *read_file(path, 1 << 28);
  }
  std::string small() {
    const std::vector<int32_t> ids = {5, 4, 3, 2, 1, 0};
    return write(ids, {.source = "a.txt",
                       .documents = 2,
                       .separator = 0,
                       .vocabulary = 6,
                       .train_count = 4,
                       .tokenizer = {{"tokenizer.json", "{}"}, {"added_tokens.json", "[1]"}}});
  }
  static Result<TokenShard> parse(const std::string& bytes) {
    return TokenShard::parse(std::as_bytes(std::span(bytes)), "f");
  }
  static std::string refused(const std::string& bytes) {
    const auto shard = parse(bytes);
    EXPECT_FALSE(shard.ok());
    return shard.ok() ? "" : shard.status().message();
  }
  // The file with a tail that is changed and sealed again, as a hostile writer would.
  template <class Change>
  static std::string changed(std::string bytes, const Change& change) {
    Tail tail;
    char* at = bytes.data() + bytes.size() - sizeof tail;
    std::memcpy(&tail, at, sizeof tail);
    const std::string body = sha256_hex(std::string_view(bytes).substr(0, bytes.size() - sizeof tail));
    std::memcpy(tail.body_sha256, body.data(), sizeof tail.body_sha256);
    change(tail);
    const std::string sum = token_shard_layout::tail_checksum(tail);
    std::memcpy(tail.tail_sha256, sum.data(), sizeof tail.tail_sha256);
    std::memcpy(at, &tail, sizeof tail);
    return bytes;
  }
  FakeFolder folder_{"token_shard"};
};

std::vector<int32_t> all(const TokenShard& shard) {
  std::vector<int32_t> ids(static_cast<size_t>(shard.count()));
  shard.read(0, ids);
  return ids;
}

TEST_F(Shard, HoldsWhatWasWritten) {
  const std::string bytes = small();
  const auto shard = parse(bytes);
  ASSERT_TRUE(shard.ok()) << shard.status().message();
  EXPECT_EQ(all(*shard), (std::vector<int32_t>{5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(shard->id_bytes(), 2);
  EXPECT_EQ(shard->validation_count(), 2);
  EXPECT_EQ(shard->info().source, "a.txt");
  EXPECT_EQ(shard->info().documents, 2);
  EXPECT_EQ(shard->info().separator, 0);
  EXPECT_EQ(shard->info().vocabulary, 6);
  EXPECT_EQ(shard->info().tokenizer, (std::vector<NamedFile>{{"tokenizer.json", "{}"}, {"added_tokens.json", "[1]"}}));
  EXPECT_EQ(shard->sha256().size(), 64u);
}

TEST_F(Shard, WideIdsWhereTheVocabularyNeedsThem) {
  std::vector<int32_t> ids(500'000);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i * 7919 % 151'936);
  const std::string bytes = write(ids, {.source = "s", .vocabulary = 151'936, .train_count = 400'000});
  const auto shard = parse(bytes);
  ASSERT_TRUE(shard.ok()) << shard.status().message();
  EXPECT_EQ(shard->id_bytes(), 4);
  EXPECT_EQ(all(*shard), ids);
  std::vector<int32_t> part(3);
  shard->read(100'001, part);
  EXPECT_EQ(part[2], ids[100'003]);
}

TEST_F(Shard, AnEmptyOneIsWhole) {
  const auto shard = parse(write({}, {.source = "", .vocabulary = 1}));
  ASSERT_TRUE(shard.ok()) << shard.status().message();
  EXPECT_EQ(shard->count(), 0);
}

TEST_F(Shard, EveryChangedByteAndEveryCutIsNoticed) {
  const std::string bytes = small();
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string broken = bytes;
    broken[i] = static_cast<char>(broken[i] ^ 1);
    EXPECT_FALSE(parse(broken).ok()) << i;
    EXPECT_FALSE(parse(bytes.substr(0, i)).ok()) << i;
  }
  EXPECT_FALSE(parse(bytes + "x").ok());
}

TEST_F(Shard, RefusesWithTheFieldAndWhatIsNeeded) {
  const std::string bytes = small();
  EXPECT_NE(refused("text text text").find("does not begin with LATHETOK"), std::string::npos);
  EXPECT_NE(refused(bytes.substr(0, 200)).find("the file is 200 bytes long, needed: 256 at least"), std::string::npos);
  EXPECT_NE(refused(bytes.substr(0, bytes.size() - 1)).find("was it cut short?"), std::string::npos);
  const auto sentence = [&](auto change) { return refused(changed(bytes, change)); };
  EXPECT_NE(sentence([](Tail& t) { t.count = UINT64_MAX; }).find("the number of ids is 18446744073709551615"),
            std::string::npos);
  EXPECT_NE(sentence([](Tail& t) { t.train_count = 7; }).find("the number of ids to train on is 7"), std::string::npos);
  EXPECT_NE(sentence([](Tail& t) { t.vocabulary = 0; }).find("the vocabulary is 0"), std::string::npos);
  EXPECT_NE(sentence([](Tail& t) { t.vocabulary = 5; }).find("id number 0 is 5, needed: below the vocabulary of 5"),
            std::string::npos);
  EXPECT_NE(sentence([](Tail& t) { t.meta_at = UINT64_MAX - 3; }).find("the meta section"), std::string::npos);
  EXPECT_NE(sentence([](Tail& t) { t.meta_bytes = UINT64_MAX; }).find("the meta section"), std::string::npos);
  EXPECT_NE(sentence([](Tail& t) { t.file_bytes += 1; }).find("as its tail says"), std::string::npos);
}

TEST_F(Shard, NamesOfTokenizerFilesStayInTheirFolder) {
  for (const char* name : {"../x", "/etc/passwd", "", ".hidden", "a b"}) {
    const std::string bytes = write({}, {.source = "", .vocabulary = 1, .tokenizer = {{name, "x"}}});
    EXPECT_NE(refused(bytes).find("the name of a tokenizer's file"), std::string::npos) << name;
  }
}

TEST_F(Shard, WriterRefusesIdsBeyondTheVocabularyAndLeavesNothing) {
  {
    auto writer = TokenShardWriter::create(folder_.path("shard"), 10);
    ASSERT_TRUE(writer.ok());
    const std::vector<int32_t> ids = {1, 10};
    EXPECT_NE(writer->add(ids).message().find("id 10, needed: one of 0 to 9"), std::string::npos);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(Shard, FlatFilesTakeTheirVocabularyFromElsewhere) {
  const std::vector<uint16_t> ids = {1, 300, 31'999};
  const std::string bytes(reinterpret_cast<const char*>(ids.data()), 6);
  const std::string path = folder_.write("data.bin", bytes);
  const auto flat = TokenShard::open_any(path, 32'000);
  ASSERT_TRUE(flat.ok()) << flat.status().message();
  EXPECT_EQ(all(*flat), (std::vector<int32_t>{1, 300, 31'999}));
  EXPECT_EQ(flat->info().train_count, 3);
  EXPECT_NE(TokenShard::open_any(path, 31'999).status().message().find("id number 2 is 31999, needed: below"),
            std::string::npos);
  EXPECT_NE(TokenShard::open_any(path, 0).status().message().find("have no vocabulary"), std::string::npos);
  folder_.write("odd.bin", "abc");
  EXPECT_NE(TokenShard::open_any(folder_.path("odd.bin"), 100).status().message().find("lathe data build"),
            std::string::npos);
}

}  // namespace
}  // namespace lathe
