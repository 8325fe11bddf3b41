#include "base/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/sha256.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

class AtomicFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("atomic_file_" + std::to_string(::getpid()));
    fs::create_directory(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const char* name) const { return (folder_ / name).string(); }
  int64_t entries() const { return std::distance(fs::directory_iterator(folder_), fs::directory_iterator()); }

  fs::path folder_;
};

TEST_F(AtomicFile, WritesReplacesAndLeavesNothingElse) {
  ASSERT_TRUE(write_file(path("a"), "first").ok());
  ASSERT_TRUE(write_file(path("a"), std::string(200000, 'x')).ok());
  const auto back = read_file(path("a"), 1 << 20);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, std::string(200000, 'x'));
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFile, FollowsALink) {
  ASSERT_TRUE(write_file(path("target"), "old").ok());
  fs::create_symlink(path("target"), path("link"));
  ASSERT_TRUE(write_file(path("link"), "new").ok());
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(*read_file(path("target"), 100), "new");
}

TEST_F(AtomicFile, RefusesWithTheName) {
  const Status folder = write_file(folder_.string(), "x");
  EXPECT_EQ(folder.code(), Code::io);
  const Status nowhere = write_file(path("no/such/file"), "x");
  EXPECT_EQ(nowhere.code(), Code::io);
  EXPECT_NE(nowhere.message().find("no/such/file"), std::string::npos);
  EXPECT_EQ(entries(), 0);
  EXPECT_EQ(read_file(path("gone"), 10).status().code(), Code::not_found);
}

TEST_F(AtomicFile, PiecesAppearTogetherOrNotAtAll) {
  ASSERT_TRUE(write_file(path("a"), "old").ok());
  {
    auto left = lathe::AtomicFile::create(path("a"));
    ASSERT_TRUE(left.ok());
    ASSERT_TRUE(left->write("half of").ok());
    EXPECT_TRUE(fs::exists(left->temporary()));
  }
  EXPECT_EQ(*read_file(path("a"), 100), "old");
  auto file = lathe::AtomicFile::create(path("a"), 6);
  ASSERT_TRUE(file.ok());
  lathe::AtomicFile moved = std::move(*file);
  ASSERT_TRUE(moved.write("new").ok());
  ASSERT_TRUE(moved.write("er").ok());
  EXPECT_EQ(*read_file(path("a"), 100), "old");
  ASSERT_TRUE(moved.commit().ok());
  EXPECT_EQ(*read_file(path("a"), 100), "newer");  // as long as what was written, not as what was reserved
  EXPECT_EQ(entries(), 1);
  EXPECT_NE(lathe::AtomicFile::create(folder_.string()).status().message().find("is a folder"), std::string::npos);
  EXPECT_NE(lathe::AtomicFile::create("/dev/null").status().message().find("is a device"), std::string::npos);
}

TEST_F(AtomicFile, AFullDiskLeavesTheOldFile) {
  EXPECT_EQ(write_file("/dev/full", "x").code(), Code::io);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(AtomicFile, ReadsNoMoreThanAllowed) {
  ASSERT_TRUE(write_file(path("a"), "12345").ok());
  EXPECT_TRUE(read_file(path("a"), 5).ok());
  EXPECT_EQ(read_file(path("a"), 4).status().code(), Code::invalid_argument);
}

TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace lathe
