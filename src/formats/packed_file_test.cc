#include "formats/packed_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "base/atomic_file.h"
#include "base/sha256.h"
#include "base/test_files.h"
#include "formats/packed_head.h"

namespace lathe {
namespace {

using matmul::Layout;

const std::string kKey(64, 'a');

struct Panels {
  std::vector<std::byte> bytes;
  PackedEntry entry;

  Panels(const std::string& name, int64_t n, int64_t k, bool gated, Layout layout)
      : bytes(static_cast<size_t>(*packed_bytes(n, k, gated, layout))) {
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 + name.size());
    entry = {name, n, k, layout, gated, bytes};
  }
};

struct Written {
  FakeFolder folder;
  Panels first{"b.query+b.key", 40, 33, false, Layout::panel_f32}, second{"a.up", 16, 64, true, Layout::panel_q8};
  std::string path = folder.path("weights.packed");

  explicit Written(const std::string& name) : folder(name) {
    auto writer = PackedWriter::create(folder.path("part.tmp"));
    EXPECT_TRUE(writer.ok()) << writer.status().message();
    for (const Panels* panels : {&first, &second}) {
      const Status status = (*writer)->add(panels->entry);
      EXPECT_TRUE(status.ok()) << status.message();
    }
    const Status status = (*writer)->finish({kKey, "/models/small", "f32"}, path);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  std::string bytes() const { return *read_file(path, 1 << 30); }
};

TEST(PackedFile, GivesBackWhatWasWritten) {
  const Written written("packed_round_trip");
  const auto packed = PackedFile::open(written.path, kKey);
  ASSERT_TRUE(packed.ok()) << packed.status().message();
  EXPECT_EQ(packed->info().model, "/models/small");
  EXPECT_EQ(packed->info().stored, "f32");
  ASSERT_EQ(packed->entries().size(), 2u);
  for (const Panels* panels : {&written.first, &written.second}) {
    const PackedEntry* found = packed->find(panels->entry.name);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->n, panels->entry.n);
    EXPECT_EQ(found->k, panels->entry.k);
    EXPECT_EQ(found->layout, panels->entry.layout);
    EXPECT_EQ(found->gated, panels->entry.gated);
    ASSERT_EQ(found->panels.size(), panels->bytes.size());
    EXPECT_EQ(std::memcmp(found->panels.data(), panels->bytes.data(), panels->bytes.size()), 0);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(found->panels.data()) % 64, 0u);
  }
  EXPECT_EQ(packed->find("b.query"), nullptr);
  EXPECT_FALSE(std::filesystem::exists(written.folder.path("part.tmp")));
  EXPECT_EQ(PackedFile::open(written.path, std::string(64, 'b')).status().code(), Code::corrupt);
}

TEST(PackedFile, WhatIsNotFinishedIsNotThere) {
  const FakeFolder folder("packed_unfinished");
  const Panels panels("a", 16, 16, false, Layout::panel_bf16);
  {
    auto writer = PackedWriter::create(folder.path("part.tmp"));
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->add(panels.entry).ok());
    EXPECT_TRUE(std::filesystem::exists(folder.path("part.tmp")));
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path("part.tmp")));
  PackedEntry wrong = panels.entry;
  wrong.n = 17;
  EXPECT_FALSE((*PackedWriter::create(folder.path("part.tmp")))->add(wrong).ok());
}

TEST(PackedFile, DamagedOrCutShortItIsRefused) {
  const Written written("packed_damage");
  const std::string whole = written.bytes();
  PackedHead head;
  std::memcpy(&head, whole.data(), sizeof head);
  const auto refused = [&](const std::string& bytes) {
    return !PackedFile::open(written.folder.write("damaged.packed", bytes), kKey).ok();
  };
  ASSERT_FALSE(refused(whole));
  std::vector<size_t> checked;  // every byte that is no panel's and no padding
  for (size_t i = 0; i < sizeof head; ++i) checked.push_back(i);
  for (auto i = static_cast<size_t>(head.table_at); i < whole.size(); ++i) checked.push_back(i);
  for (const size_t i : checked) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x10);
    EXPECT_TRUE(refused(bytes)) << "byte " << i;
  }
  for (size_t length = 0; length < whole.size(); length += length < 200 || length + 300 > whole.size() ? 1 : 251)
    EXPECT_TRUE(refused(whole.substr(0, length))) << length << " bytes";
  EXPECT_TRUE(refused(whole + "x"));
}

// Files whose checksum is right and whose content is not: a hostile writer's.
TEST(PackedFile, ALyingTableIsRefused) {
  const Written written("packed_lies");
  const std::string whole = written.bytes();
  PackedHead head;
  std::memcpy(&head, whole.data(), sizeof head);
  const size_t texts = 3 * sizeof(uint32_t) + kKey.size() + strlen("/models/small") + strlen("f32");
  const auto lie = [&](const std::function<void(PackedHead&, PackedRecord&)>& change) {
    PackedHead h = head;
    PackedRecord record;
    std::string table = whole.substr(static_cast<size_t>(head.table_at));
    std::memcpy(&record, table.data() + texts, sizeof record);
    change(h, record);
    std::memcpy(table.data() + texts, &record, sizeof record);
    const std::string checksum = packed_checksum(h, table);
    std::memcpy(h.checksum, checksum.data(), sizeof h.checksum);
    std::string bytes(reinterpret_cast<const char*>(&h), sizeof h);
    bytes += whole.substr(sizeof h, static_cast<size_t>(head.table_at) - sizeof h) + table;
    return PackedFile::open(written.folder.write("lying.packed", bytes), kKey).ok();
  };
  EXPECT_TRUE(lie([](PackedHead&, PackedRecord&) {}));  // the truth is taken
  const std::function<void(PackedHead&, PackedRecord&)> lies[] = {
      [](PackedHead& h, PackedRecord&) { h.entries = 1; },
      [](PackedHead& h, PackedRecord&) { h.entries = UINT32_MAX; },
      [](PackedHead& h, PackedRecord&) { h.table_at = INT64_MAX; },
      [](PackedHead& h, PackedRecord&) { h.table_at = -1; },
      [](PackedHead& h, PackedRecord&) { h.table_bytes = INT64_MAX; },
      [](PackedHead& h, PackedRecord&) { h.version = kPackedVersion + 1; },
      [](PackedHead&, PackedRecord& r) { r.offset = INT64_MAX - 63; },
      [](PackedHead&, PackedRecord& r) { r.offset = -64; },
      [](PackedHead&, PackedRecord& r) { r.offset = 0; },
      [](PackedHead&, PackedRecord& r) { r.offset += 32; },
      [](PackedHead&, PackedRecord& r) { r.offset += 64; },  // runs into the next
      [](PackedHead&, PackedRecord& r) { r.bytes = INT64_MAX; },
      [](PackedHead&, PackedRecord& r) { r.bytes += 64; },
      [](PackedHead&, PackedRecord& r) { r.n = INT64_MAX; },
      [](PackedHead&, PackedRecord& r) { r.n = 0; },
      [](PackedHead&, PackedRecord& r) { r.n = -40; },
      [](PackedHead&, PackedRecord& r) { r.k = int64_t{1} << 61; },
      [](PackedHead&, PackedRecord& r) { r.k = 34; },
      [](PackedHead&, PackedRecord& r) { r.gated = 1; },
      [](PackedHead&, PackedRecord& r) { r.gated = 2; },
      [](PackedHead&, PackedRecord& r) { r.layout = static_cast<uint8_t>(Layout::rows_f32); },
      [](PackedHead&, PackedRecord& r) { r.layout = 255; },
  };
  for (size_t i = 0; i < std::size(lies); ++i) EXPECT_FALSE(lie(lies[i])) << "lie " << i;
}

}  // namespace
}  // namespace lathe
