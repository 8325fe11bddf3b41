#include "platform/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace lathe {
namespace {

class MappedFileTest : public testing::Test {
 protected:
  MappedFileTest() : folder_(std::filesystem::temp_directory_path() / ("lathe_mapped_" + std::to_string(getpid()))) {
    std::filesystem::create_directory(folder_);
  }
  ~MappedFileTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }

  std::filesystem::path folder_;
};

TEST_F(MappedFileTest, HasTheBytesEvenAfterTheFileIsReplaced) {
  const std::string text(100'000, 'x'), path = write("a", text);
  auto file = MappedFile::open(path);
  ASSERT_TRUE(file.ok());
  std::filesystem::remove(path);
  const MappedFile moved = std::move(*file);
  EXPECT_EQ(moved.text(), text);
  EXPECT_EQ(moved.bytes().size(), text.size());
  EXPECT_EQ(moved.path(), path);
  EXPECT_TRUE(file->bytes().empty());
}

TEST_F(MappedFileTest, AnEmptyFileHasNoBytes) {
  const auto file = MappedFile::open(write("empty", ""));
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->bytes().empty());
  file->advise(MappedFile::Advice::will_need);
}

TEST_F(MappedFileTest, HintsChangeNoByte) {
  using enum MappedFile::Advice;
  const std::string text(10'000, 'y');
  const auto file = MappedFile::open(write("a", text));
  ASSERT_TRUE(file.ok());
  for (const auto advice : {sequential, random, will_need, dont_need}) {
    file->advise(advice);
    file->advise(advice, file->bytes().subspan(5000, 17));
    file->advise(advice, std::as_bytes(std::span(text)));  // somebody else's memory
  }
  EXPECT_EQ(file->text(), text);
  EXPECT_EQ(text[0], 'y');
}

TEST_F(MappedFileTest, FollowsLinks) {
  write("a", "text");
  std::filesystem::create_symlink("a", folder_ / "link");
  const auto file = MappedFile::open(folder_ / "link");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->text(), "text");
}

TEST_F(MappedFileTest, RefusesWhatIsNoFile) {
  EXPECT_EQ(MappedFile::open(folder_ / "absent").status().code(), Code::not_found);
  EXPECT_EQ(MappedFile::open(write("a", "x") + "/b").status().code(), Code::not_found);
  EXPECT_EQ(MappedFile::open(folder_).status().message(), folder_.string() + ": is a folder, needed: a file");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(MappedFile::open(folder_ / "pipe").status().code(), Code::io);
}

}  // namespace
}  // namespace lathe
