#include "formats/checkpoint_manifest.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "base/test_files.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

class Checkpoint : public testing::Test {
 protected:
  Status write(const std::string& content) {
    return write_checkpoint(path_, [&](const std::string& folder) {
      Status status = write_file(folder + "/a.bin", content);
      return status.ok() ? write_file(folder + "/b.json", "{}") : status;
    });
  }
  int64_t entries() const { return std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()); }

  FakeFolder folder_{"checkpoint"};
  std::string path_ = folder_.path("step-1");
};

TEST_F(Checkpoint, IsWholeOnceItHasItsName) {
  ASSERT_TRUE(write("first").ok());
  EXPECT_TRUE(verify_checkpoint(path_).ok());
  ASSERT_TRUE(write("second").ok());  // replaces
  EXPECT_TRUE(verify_checkpoint(path_).ok());
  EXPECT_EQ(*read_file(path_ + "/a.bin", 100), "second");
  EXPECT_EQ(entries(), 1);
}

TEST_F(Checkpoint, AFailureLeavesWhatWasThere) {
  ASSERT_TRUE(write("first").ok());
  const Status status = write_checkpoint(path_, [](const std::string& folder) {
    EXPECT_TRUE(write_file(folder + "/a.bin", "half").ok());
    return io_error("No space left on device");
  });
  EXPECT_EQ(status.message(), "No space left on device");
  EXPECT_EQ(*read_file(path_ + "/a.bin", 100), "first");
  EXPECT_EQ(entries(), 1);
}

TEST_F(Checkpoint, EveryDamageIsASentence) {
  const auto damaged = [&](auto&& damage) {
    EXPECT_TRUE(write("content").ok());
    damage();
    return verify_checkpoint(path_).message();
  };
  EXPECT_NE(damaged([&] { fs::remove(path_ + "/COMPLETE"); }).find("not complete: its marker"), std::string::npos);
  EXPECT_NE(damaged([&] { fs::remove(path_ + "/a.bin"); }).find("not complete"), std::string::npos);
  EXPECT_NE(damaged([&] { folder_.write("step-1/a.bin", "CONTENT"); }).find("does not have the SHA-256"),
            std::string::npos);
  EXPECT_NE(damaged([&] { folder_.write("step-1/a.bin", "cont"); }).find("is 4 bytes long, needed: the 7"),
            std::string::npos);
  EXPECT_NE(damaged([&] { folder_.write("step-1/manifest.json", "{}"); }).find("COMPLETE"), std::string::npos);
  EXPECT_NE(verify_checkpoint(folder_.path("none")).message().find("no such folder"), std::string::npos);
}

TEST_F(Checkpoint, LeftoversOfAKilledProcessGoAndTheReplacedComesBack) {
  ASSERT_TRUE(write("first").ok());
  folder_.write("step-2.unfinished/a.bin", "half");
  fs::rename(path_, path_ + ".old.unfinished");  // killed between the two renamings
  remove_unfinished_checkpoints(folder_.path());
  EXPECT_TRUE(verify_checkpoint(path_).ok());
  EXPECT_EQ(entries(), 1);
}

TEST(Manifest, ComesBack) {
  const std::vector<ManifestEntry> entries = {{"a.bin", 7, std::string(64, 'a')}, {"b.json", 0, std::string(64, '0')}};
  const auto back = parse_manifest(manifest_text(entries), "m");
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(*back, entries);
}

TEST(Manifest, RefusesWhatIsNone) {
  const auto refused = [](const std::string& text) { return parse_manifest(text, "m").status().message(); };
  const std::string digest(64, 'a');
  const auto one = [&](const std::string& name, const std::string& bytes, const std::string& sha) {
    return R"({"version":1,"files":[{"name":")" + name + R"(","bytes":)" + bytes + R"(,"sha256":")" + sha + "\"}]}";
  };
  EXPECT_NE(refused("[]").find("no object"), std::string::npos);
  EXPECT_NE(refused(R"({"version":2,"files":[]})").find("version is '2', needed: 1"), std::string::npos);
  EXPECT_NE(refused(R"({"version":1})").find("files is no list"), std::string::npos);
  for (const char* name : {"../x", "a/../x", "/x", "a/", "a/b/c"})
    EXPECT_NE(refused(one(name, "1", digest)).find("the name of a file"), std::string::npos) << name;
  EXPECT_EQ(refused(one("a/x", "1", digest)), "");
  EXPECT_NE(refused(one("x", "-1", digest)).find("the length of 'x'"), std::string::npos);
  EXPECT_NE(refused(one("x", "1", "abc")).find("the SHA-256 of 'x'"), std::string::npos);
  EXPECT_EQ(refused(one("x", "1", digest)), "");
}

}  // namespace
}  // namespace lathe
