#include "run/cache_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <ctime>

#include "base/test_files.h"
#include "formats/packed_file.h"

namespace lathe::run {
namespace {

void age(const std::string& path, int64_t seconds) {
  const timespec then{std::time(nullptr) - seconds, 0};
  const timespec times[] = {then, then};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

bool there(const std::string& path) { return std::filesystem::exists(path); }

struct Folder {
  FakeFolder files;
  CacheFolder cache{files.path()};

  explicit Folder(const std::string& name) : files(name) {}
  std::string add(const std::string& key, size_t bytes, int64_t seconds_ago) {
    const std::string path = files.write(key + CacheFolder::kPackedSuffix, std::string(bytes, 'x'));
    age(path, seconds_ago);
    return path;
  }
};

TEST(CacheFolder, EvictsWhatWasUnusedTheLongest) {
  Folder folder("cache_evict");
  const std::string old = folder.add("old", 100, 300), middle = folder.add("middle", 100, 200),
                    young = folder.add("young", 100, 100), other = folder.files.write("plan.json", "{}");
  folder.cache.evict(300, "");
  EXPECT_TRUE(there(old));
  CacheFolder::touch(old);  // used now
  folder.cache.evict(250, "");
  EXPECT_FALSE(there(middle));
  EXPECT_TRUE(there(old) && there(young));
  folder.cache.evict(0, young);  // the one that is in use stays whatever its age
  EXPECT_FALSE(there(old));
  EXPECT_TRUE(there(young) && there(other));
}

TEST(CacheFolder, SweepsWhatCrashesLeft) {
  Folder folder("cache_sweep");
  const std::string crashed = folder.files.write("77-0.tmp", "half"), running = folder.cache.temporary_path();
  folder.files.write(std::filesystem::path(running).filename(), "half");
  age(crashed, 3700);
  age(running, 3500);
  const std::string gone =
      folder.files.write("0123.source", "lathe-source 1\n1 2 3 4 5\n" + std::string(64, '0') + "\n/no/such/model\n");
  folder.cache.sweep();
  EXPECT_FALSE(there(crashed));
  EXPECT_TRUE(there(running));
  EXPECT_FALSE(there(gone));
}

TEST(CacheFolder, ListsTheLastUsedFirstAndClears) {
  Folder folder("cache_list");
  EXPECT_TRUE(CacheFolder(folder.files.path("nowhere")).list().empty());
  folder.add("broken", 50, 10);
  auto writer = PackedWriter::create(folder.cache.temporary_path());
  ASSERT_TRUE(writer.ok());
  const std::string path = folder.cache.packed_path("right");
  ASSERT_TRUE((*writer)->finish({"key", "/models/small", "q8_0"}, path).ok());
  const auto entries = folder.cache.list();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].model, "/models/small");
  EXPECT_EQ(entries[0].stored, "q8_0");
  EXPECT_FALSE(entries[1].status.ok());
  EXPECT_EQ(entries[1].bytes, 50);
  const std::string kept = folder.files.write("plan.json", "{}"), half = folder.files.write("1-1.tmp", "half");
  const auto bytes = folder.cache.clear();
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(*bytes, 50 + entries[0].bytes);
  EXPECT_TRUE(folder.cache.list().empty());
  EXPECT_FALSE(there(half));
  EXPECT_TRUE(there(kept));
}

TEST(CacheFolder, TheDefaultBoundIsATenthOfTheDiskAtMost) {
  const Folder folder("cache_bound");
  const auto space = std::filesystem::space(folder.files.path());
  EXPECT_LE(folder.cache.default_most(), int64_t{16} << 30);
  EXPECT_LE(folder.cache.default_most(), static_cast<int64_t>(space.capacity / 10 + 1));
  EXPECT_GT(folder.cache.default_most(), 0);
}

}  // namespace
}  // namespace lathe::run
