// lathe cache as a shell sees it, on what lathe embed packed.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gpu/pipeline_file.h"
#include "run/test_model.h"
#include "shell.h"

namespace lathe::cli {
namespace {

class CacheCommand : public testing::Test {
 protected:
  CacheCommand() : model_("cache_command") { run::testing::write_model(model_, "model"); }

  // With the small model's packed weights in the cache.
  void pack(const std::string& options = "") const {
    const Outcome o = run_lathe("embed -m " + model() + " --threads 1 --cache " + folder() + " " + options + " one");
    ASSERT_EQ(o.exit, 0) << o.err;
  }
  Outcome cache(const std::string& arguments) const { return run_lathe("cache " + arguments + " --cache " + folder()); }
  nlohmann::json listed() const { return nlohmann::json::parse(cache("ls --json").out, nullptr, false); }
  std::string model() const { return model_.path("model"); }
  std::string folder() const { return model_.path("cache"); }

  FakeFolder model_;
};

TEST_F(CacheCommand, ListsWhatIsKept) {
  EXPECT_EQ(cache("ls").out, "0.0 KiB in 0 files of " + folder() + "\n");
  EXPECT_EQ(listed(), nlohmann::json::array());
  pack("--dtype f32");
  pack("--dtype q8_0");
  const auto files = listed();
  ASSERT_EQ(files.size(), 2u) << files;
  EXPECT_EQ(files[0]["type"], "q8_0");  // the last used first
  EXPECT_EQ(files[1]["type"], "f32");
  for (const auto& file : files) {
    EXPECT_EQ(file["model"], model());
    EXPECT_EQ(file["bytes"], std::filesystem::file_size(file["file"].get<std::string>()));
    EXPECT_EQ(file["last_used"].get<std::string>().size(), strlen("2026-01-01T00:00:00Z"));
  }
  const Outcome o = cache("ls");
  EXPECT_EQ(o.exit, 0);
  EXPECT_TRUE(o.out.starts_with("q8_0 ")) << o.out;
  EXPECT_NE(o.out.find(" in 2 files of " + folder() + "\n"), std::string::npos) << o.out;
}

TEST_F(CacheCommand, SaysWhyAFileIsOfNoUse) {
  pack();
  const std::string path = listed().at(0)["file"];
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  const auto files = listed();
  ASSERT_EQ(files.size(), 1u);
  EXPECT_FALSE(files[0].contains("model"));
  EXPECT_NE(files[0]["error"].get<std::string>().find(path), std::string::npos) << files;
  EXPECT_NE(cache("ls").out.find("(not usable: " + path), std::string::npos);
}

TEST_F(CacheCommand, ClearRemovesItAll) {
  pack();
  ASSERT_EQ(listed().size(), 1u);
  const Outcome o = cache("clear");
  EXPECT_EQ(o.exit, 0);
  EXPECT_NE(o.out.find(" of packed weights removed from " + folder() + "\n"), std::string::npos) << o.out;
  EXPECT_NE(o.out.substr(0, 8), "0.0 KiB ");
  EXPECT_TRUE(std::filesystem::is_empty(folder()));
  EXPECT_EQ(cache("clear").out, "0.0 KiB of packed weights removed from " + folder() + "\n");
  pack();
  EXPECT_EQ(listed().size(), 1u);
}

TEST_F(CacheCommand, PipelinesOfTheUsualFolderAreListedAndCleared) {
  const std::string usual = "XDG_CACHE_HOME=" + model_.path("usual"), pipelines = model_.path("usual/lathe/pipelines");
  const auto all = [&] { return nlohmann::json::parse(run_lathe("cache ls --json", usual).out); };
  EXPECT_EQ(all(), nlohmann::json::array());
  const std::vector<std::byte> bytes(100);
  ASSERT_TRUE(gpu::write_pipeline_file(pipelines + "/vulkan-a.pipelines", bytes).ok());
  model_.write("usual/lathe/pipelines/vulkan-b.pipelines", "damaged");
  model_.write("usual/lathe/pipelines/vulkan-b.pipelines.7-0.tmp", "what a crash left");
  model_.write("usual/lathe/pipelines/notes", "of somebody else");
  const auto files = all();
  ASSERT_EQ(files.size(), 2u) << files;
  for (const auto& file : files) {
    const std::string path = file["file"];
    EXPECT_EQ(file["type"], "pipelines");
    EXPECT_EQ(file["bytes"], std::filesystem::file_size(path));
    EXPECT_EQ(file.contains("error"), path.ends_with("vulkan-b.pipelines")) << file;
  }
  const Outcome ls = run_lathe("cache ls", usual);
  EXPECT_NE(ls.out.find(" in 2 files of " + pipelines + "\n"), std::string::npos) << ls.out;
  EXPECT_NE(ls.out.find("(not usable: " + pipelines + "/vulkan-b.pipelines: is no file of pipelines"),
            std::string::npos);
  EXPECT_EQ(cache("ls").out.find("pipelines"), std::string::npos);
  ASSERT_EQ(cache("clear").exit, 0);
  EXPECT_EQ(all().size(), 2u);  // --cache is another folder
  const Outcome cleared = run_lathe("cache clear", usual);
  EXPECT_EQ(cleared.exit, 0) << cleared.err;
  EXPECT_NE(cleared.out.find(" of compiled pipelines removed from " + pipelines + "\n"), std::string::npos);
  const std::filesystem::directory_iterator left(pipelines);
  EXPECT_EQ(std::distance(begin(left), end(left)), 1);
  EXPECT_TRUE(std::filesystem::exists(pipelines + "/notes"));
}

TEST_F(CacheCommand, PathFollowsTheEnvironment) {
  const auto path = [](const std::string& environment) {
    return run_lathe("cache path", "env -u XDG_CACHE_HOME -u HOME " + environment);
  };
  EXPECT_EQ(path("HOME=/h XDG_CACHE_HOME=/x").out, "/x/lathe/weights\n");
  EXPECT_EQ(path("HOME=/h XDG_CACHE_HOME=relative").out, "/h/.cache/lathe/weights\n");
  EXPECT_EQ(path("HOME=/h").out, "/h/.cache/lathe/weights\n");
  EXPECT_EQ(cache("path").out, folder() + "\n");
  const Outcome none = path("HOME=relative");
  EXPECT_EQ(none.exit, 1);
  EXPECT_EQ(none.out, "");
  EXPECT_TRUE(none.err.starts_with("lathe: there is no cache")) << none.err;
  EXPECT_EQ(run_lathe("cache").exit, 2);
}

}  // namespace
}  // namespace lathe::cli
