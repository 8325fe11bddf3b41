#include "formats/index_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <span>

#include "base/memory.h"
#include "base/test_files.h"
#include "base/types.h"
#include "formats/index_layout.h"
#include "formats/index_writer.h"

namespace lathe {
namespace {

const std::string kSum(64, 'a');
const IndexMeta kMeta = {
    .model = "m\"\n", .fingerprint = "f", .dtype = "f32", .chunk_tokens = 160, .overlap = 32, .roots = "docs"};

IndexWriter sample(IndexStore store) {
  IndexWriter writer(kMeta, store, 3);
  const float first[] = {1.0f, -0.5f, 0.25f}, second[] = {0.0f, 0.0f, 0.0f};
  writer.add_file("a.md", kSum, 20, 77);
  writer.add_chunk({.heading = "Title", .text = "words", .begin = 2, .end = 7, .first_line = 1, .last_line = 3}, first);
  writer.add_chunk({.text = "more", .begin = 16, .end = 20, .first_line = 4, .last_line = 4}, second);
  writer.add_file("empty", kSum, 0, -1);
  return writer;
}

// Parses a copy that is aligned as a mapping is.
Result<IndexFile> parse(const std::string& bytes, Buffer& memory) {
  memory = std::move(*Buffer::create(static_cast<int64_t>(bytes.size())));
  std::ranges::copy(std::as_bytes(std::span(bytes)), memory.data());
  return IndexFile::parse({memory.data(), bytes.size()}, "f");
}

std::string refusal(const std::string& bytes) {
  Buffer memory;
  const auto index = parse(bytes, memory);
  return index ? "" : index.status().message();
}

TEST(IndexFile, ReadsWhatWasWritten) {
  const FakeFolder folder("index_file");
  for (const IndexStore store : {IndexStore::f32, IndexStore::bf16, IndexStore::int8}) {
    const std::string path = folder.path("x.index");
    ASSERT_TRUE(sample(store).write(path).ok());
    EXPECT_TRUE(looks_like_index(path));
    const auto index = IndexFile::open(path);
    ASSERT_TRUE(index.ok()) << index.status().message();
    EXPECT_EQ(index->meta(), kMeta);
    EXPECT_EQ(index->store(), store);
    EXPECT_EQ(index->dim(), 3);
    ASSERT_EQ(index->files(), 2);
    ASSERT_EQ(index->chunks(), 2);
    EXPECT_EQ(index->file(0).path, "a.md");
    EXPECT_EQ(index->file(0).sha256, kSum);
    EXPECT_EQ(index->file(0).mtime_ns, 77);
    EXPECT_EQ(index->file(0).chunks, 2);
    EXPECT_EQ(index->file(1).path, "empty");
    EXPECT_EQ(index->file(1).mtime_ns, -1);
    EXPECT_EQ(index->file(1).chunks, 0);
    const IndexedChunk chunk = index->chunk(0);
    EXPECT_EQ(chunk.heading, "Title");
    EXPECT_EQ(chunk.text, "words");
    EXPECT_EQ(chunk.begin, 2);
    EXPECT_EQ(chunk.last_line, 3);
    EXPECT_EQ(index->chunk(1).text, "more");
    EXPECT_EQ(index->exact()[1], -0.5f);
    EXPECT_EQ(index->exact()[5], 0.0f);
    if (store == IndexStore::bf16) {
      EXPECT_EQ(static_cast<const uint16_t*>(index->vectors())[1], to_bf16(-0.5f).bits);
    }
    if (store == IndexStore::int8) {
      EXPECT_EQ(static_cast<const int8_t*>(index->vectors())[0], 127);
      EXPECT_EQ(index->scales()[0], 1.0f / 127);
      EXPECT_EQ(index->scales()[1], 0.0f);
    }
  }
}

TEST(IndexFile, SaysWhatIsWrong) {
  const std::string good = sample(IndexStore::int8).bytes();
  EXPECT_EQ(refusal(good), "");
  EXPECT_NE(refusal("").find("0 bytes long"), std::string::npos);
  EXPECT_NE(refusal("LATHEIDY" + good.substr(8)).find("LATHEIDX"), std::string::npos);
  EXPECT_NE(refusal(good.substr(0, good.size() - 1)).find("as its header says"), std::string::npos);
  const auto with = [&](size_t at, auto value) {
    std::string bytes = good;
    std::memcpy(bytes.data() + at, &value, sizeof value);
    return refusal(bytes);
  };
  using index_layout::Header;
  EXPECT_NE(with(offsetof(Header, version), uint32_t{2}).find("version 2"), std::string::npos);
  EXPECT_NE(with(offsetof(Header, store), uint32_t{3}).find("store is 3"), std::string::npos);
  EXPECT_NE(with(offsetof(Header, dim), uint64_t{0}).find("dim is 0"), std::string::npos);
  EXPECT_NE(with(offsetof(Header, dim), uint64_t{4}).find("'vectors'"), std::string::npos);
  EXPECT_NE(with(offsetof(Header, chunks), ~uint64_t{0}).find("room"), std::string::npos);
  for (size_t s = 0; s < index_layout::kSections; ++s) {
    const size_t at = offsetof(Header, sections) + s * 16;
    const std::string name = "'" + std::string(index_layout::kSectionNames[s]) + "'";
    EXPECT_NE(with(at, uint64_t{1} << 63).find(name), std::string::npos);
    EXPECT_NE(with(at + 8, ~uint64_t{0}).find(name), std::string::npos);
    EXPECT_NE(with(at, uint64_t{0}).find(name), std::string::npos);
  }
  Header header;
  std::memcpy(&header, good.data(), sizeof header);
  const size_t chunk = header.sections[index_layout::kChunks].offset;
  using index_layout::ChunkRecord;
  for (const uint64_t line : {uint64_t{0}, uint64_t{4}, uint64_t{1} << 63})  // the text begins at byte 2 and ends at 7
    EXPECT_NE(with(chunk + offsetof(ChunkRecord, first_line), line).find("line range"), std::string::npos) << line;
  for (const uint64_t line : {uint64_t{0}, uint64_t{7}, ~uint64_t{0}})
    EXPECT_NE(with(chunk + offsetof(ChunkRecord, last_line), line).find("line range"), std::string::npos) << line;
}

// Every answer is a sentence, or an index whose every part can be read. Means most under AddressSanitizer.
TEST(IndexFile, DamagedBytesAreRefusedOrHarmless) {
  std::mt19937 random(3);
  for (const IndexStore store : {IndexStore::f32, IndexStore::int8}) {
    const std::string good = sample(store).bytes();
    int refused = 0;
    for (int i = 0; i < 4000; ++i) {
      std::string bytes = good;
      const size_t at = random() % bytes.size();
      if (i % 3 == 0)
        bytes.resize(at);
      else
        bytes[at] = static_cast<char>(random());
      Buffer memory;
      const auto index = parse(bytes, memory);
      refused += !index.ok();
      if (!index) {
        ASSERT_EQ(index.status().message().substr(0, 1), "f");
        continue;
      }
      size_t sum = 0;
      for (int64_t f = 0; f < index->files(); ++f) sum += index->file(f).path.size() + index->file(f).sha256.size();
      for (int64_t c = 0; c < index->chunks(); ++c) {
        const IndexedChunk chunk = index->chunk(c);
        ASSERT_LT(chunk.file, index->files());
        for (const char x : std::string(chunk.text) + std::string(chunk.heading)) sum += static_cast<size_t>(x);
      }
      EXPECT_LT(sum, ~size_t{0});
    }
    EXPECT_GT(refused, 1300);
  }
}

TEST(IndexFile, IsNotTakenForAnother) {
  const FakeFolder folder("index_other");
  EXPECT_FALSE(looks_like_index(folder.write("short", "LAT")));
  EXPECT_FALSE(looks_like_index(folder.write("text", "LATHE is no index")));
  EXPECT_FALSE(looks_like_index(folder.path("absent")));
  EXPECT_FALSE(IndexFile::open(folder.path("absent")).ok());
}

}  // namespace
}  // namespace lathe
