#include "run/source_hash.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <ctime>
#include <thread>

#include "base/sha256.h"
#include "base/test_files.h"

namespace lathe::run {
namespace {

// Past the time in which a file that was just written is not trusted.
void settle() { std::this_thread::sleep_for(std::chrono::milliseconds(80)); }

SourceHash hash(const std::string& path, const FakeFolder& folder) {
  const auto file = MappedFile::open(path);
  EXPECT_TRUE(file.ok());
  return source_hash(*file, folder.path());
}

std::string only_file(const FakeFolder& folder) { return std::filesystem::directory_iterator(folder.path())->path(); }

TEST(SourceHash, IsComputedOnceForAnUnchangedFile) {
  const FakeFolder model("hash_model"), cache("hash_cache");
  const std::string path = model.write("weights", "some bytes");
  settle();
  const SourceHash first = hash(path, cache), second = hash(path, cache);
  EXPECT_EQ(first.sha256, sha256_hex("some bytes"));
  EXPECT_FALSE(first.remembered);
  EXPECT_EQ(second.sha256, first.sha256);
  EXPECT_TRUE(second.remembered);
  EXPECT_TRUE(source_is_there(only_file(cache)));
}

TEST(SourceHash, NoticesOtherBytesOfTheSameSizeAndTime) {
  const FakeFolder model("hash_changed_model"), cache("hash_changed_cache");
  const std::string path = model.write("weights", "some bytes");
  settle();
  hash(path, cache);
  struct stat before;
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  const int fd = ::open(path.c_str(), O_WRONLY);  // in place: the inode stays
  ASSERT_EQ(::pwrite(fd, "SOME", 4, 0), 4);
  const timespec times[] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::futimens(fd, times), 0);
  ::close(fd);
  EXPECT_FALSE(source_is_there(only_file(cache)));
  const SourceHash changed = hash(path, cache);
  EXPECT_FALSE(changed.remembered);
  EXPECT_EQ(changed.sha256, sha256_hex("SOME bytes"));
}

TEST(SourceHash, AFileThatMayChangeWithinTheClocksGrainIsNotRemembered) {
  const FakeFolder model("hash_fresh_model"), cache("hash_fresh_cache");
  const std::string path = model.write("weights", "some bytes");
  const timespec soon{std::time(nullptr) + 1000, 0};
  const timespec times[] = {soon, soon};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  settle();
  EXPECT_FALSE(hash(path, cache).remembered);
  EXPECT_FALSE(hash(path, cache).remembered);
  EXPECT_TRUE(std::filesystem::is_empty(cache.path()));
}

TEST(SourceHash, ADamagedMemoryIsComputedAgain) {
  const FakeFolder model("hash_damage_model"), cache("hash_damage_cache");
  const std::string path = model.write("weights", "some bytes");
  settle();
  hash(path, cache);
  const std::string name = std::filesystem::path(only_file(cache)).filename();
  std::ifstream in(only_file(cache));
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  for (size_t length = 0; length < whole.size(); length += 9) {
    cache.write(name, whole.substr(0, length));
    const SourceHash again = hash(path, cache);
    EXPECT_FALSE(again.remembered) << length;
    EXPECT_EQ(again.sha256, sha256_hex("some bytes"));
  }
  cache.write(name, whole);
  EXPECT_TRUE(hash(path, cache).remembered);
}

}  // namespace
}  // namespace lathe::run
