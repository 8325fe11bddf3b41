// lathe probe matmul --device as a shell sees it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "gpu/instance.h"
#include "shell.h"

namespace lathe {
namespace {

using cli::run_lathe;

constexpr char kProbe[] =
    "probe matmul 1 48 64 --w q4_0 --epilogue bias+silu --device vulkan --seconds 0.0005 --quick ";

bool has_device() {
  const auto instance = gpu::Instance::create();
  return instance && !(*instance)->devices().empty();
}

TEST(ProbeDevice, MistakesAreOneSentenceAndExitTwo) {
  const auto expect_error = [](const std::string& arguments, const std::string& words) {
    const auto o = run_lathe("probe matmul 1 32 64 " + arguments);
    EXPECT_EQ(o.exit, 2) << arguments;
    EXPECT_EQ(o.out, "");
    EXPECT_NE(o.err.find(words), std::string::npos) << o.err;
  };
  expect_error("--device gpu", "--device is 'gpu', needed: cpu, vulkan or vulkan:N");
  expect_error("--device vulkan:x", "--device is 'vulkan:x'");
  expect_error("--device vulkan:", "needed: cpu, vulkan or vulkan:N");
  expect_error("--device vulkan --isa avx2", "--isa");
  expect_error("--device vulkan --save-plan /tmp/x --new-only", "--new-only");
  expect_error("--device vulkan --save-plan /tmp/x --hot", "--hot");
  expect_error("--device vulkan --provider openblas", "unknown provider \"openblas\" for a device");
}

TEST(ProbeDevice, ADeviceThatIsNotThereIsExitOne) {
  const auto o = run_lathe("probe matmul 1 32 64 --device vulkan:99");
  EXPECT_EQ(o.exit, 1);
  EXPECT_EQ(o.err.substr(0, 7), "lathe: ") << o.err;
}

TEST(ProbeDevice, PrintsATableOrJson) {
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  const FakeFolder folder("probe_device");
  const std::string cache = "XDG_CACHE_HOME=" + folder.path("cache");
  const std::string line = std::string(kProbe) + "--variants 'small.q4_0.*,tiled.q4_0.*' ";
  const auto table = run_lathe(line, cache);
  ASSERT_EQ(table.exit, 0) << table.err;
  EXPECT_NE(table.out.find("small.q4_0.64 *"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("1 rows of x, needed: 2 or more"), std::string::npos) << table.out;
  const auto json = run_lathe(line + "--json -", cache);
  ASSERT_EQ(json.exit, 0) << json.err;
  const auto document = nlohmann::json::parse(json.out);
  EXPECT_EQ(document.at("device").at("device"), "vulkan:0");
  EXPECT_EQ(document.at("rows").size(), 3u);
}

TEST(ProbeDevice, WritesAPageAndCsvAndKeepsPipelines) {
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  const FakeFolder folder("probe_device_files");
  const auto o = run_lathe(std::string(kProbe) + "--variants 'small.q4_0.*' --csv - --html " + folder.path("r.html"),
                           "XDG_CACHE_HOME=" + folder.path("cache"));
  ASSERT_EQ(o.exit, 0) << o.err;
  EXPECT_EQ(std::count(o.out.begin(), o.out.end(), '\n'), 2) << o.out;
  EXPECT_NE(o.out.find(",chosen,device,weights,alone_ms,together_ms\n"), std::string::npos) << o.out;
  EXPECT_NE(o.out.find(",small.q4_0.64,passed,"), std::string::npos) << o.out;
  const std::string page = cli::read_all(folder.path("r.html"));
  EXPECT_NE(page.find("\"lathe-device-probe\""), std::string::npos);
  EXPECT_NE(page.find("\"wall_ms\""), std::string::npos);
  EXPECT_FALSE(std::filesystem::is_empty(folder.path("cache/lathe/pipelines")));
}

TEST(ProbeDevice, APlanIsKeptExplainedAndMarked) {
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  const FakeFolder folder("probe_device_plan");
  const std::string cache = "XDG_CACHE_HOME=" + folder.path("cache");
  const std::string product = "explain 1 48 64 --w q4_0 --epilogue bias+silu --device vulkan";
  const auto before = run_lathe(product, cache);
  ASSERT_EQ(before.exit, 0) << before.err;
  EXPECT_NE(before.out.find("no plan has this product"), std::string::npos) << before.out;
  EXPECT_NE(before.out.find(">  columns.q4_0.64x64"), std::string::npos) << before.out;
  EXPECT_NE(before.out.find("in a model  columns.q4_0.64x256"), std::string::npos) << before.out;
  EXPECT_NE(before.out.find("N is 48, needed: 8192 or more"), std::string::npos) << before.out;
  const auto probe = run_lathe(std::string(kProbe) + "--variants 'small.q4_0.*' --save-plan", cache);
  ASSERT_EQ(probe.exit, 0) << probe.err;
  EXPECT_NE(probe.err.find("plan: 1 products of vulkan:0 are in"), std::string::npos) << probe.err;
  const auto after = run_lathe(product, cache);
  ASSERT_EQ(after.exit, 0) << after.err;
  EXPECT_NE(after.out.find(">  small.q4_0.64"), std::string::npos) << after.out;
  EXPECT_NE(after.out.find("plan.json has it"), std::string::npos) << after.out;
  EXPECT_NE(after.out.find("in a model  small.q4_0.64"), std::string::npos) << after.out;
  const auto json = run_lathe(std::string(kProbe) + "--variants 'small.q4_0.*' --json -", cache);
  EXPECT_TRUE(nlohmann::json::parse(json.out).at("rows")[0].at("chosen").get<bool>()) << json.out;
  // The CPU's explain reads the file without a word.
  const auto cpu = run_lathe("explain 1 48 64 --no-measure", cache);
  EXPECT_EQ(cpu.exit, 0);
  EXPECT_EQ(cpu.err, "");
}

TEST(ProbeDevice, CublasThatIsNotThereIsOneLine) {
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  const FakeFolder folder("probe_device_cublas");
  const auto o =
      run_lathe(std::string(kProbe) + "--variants 'small.q4_0.*' --provider cublas", "XDG_CACHE_HOME=" + folder.path());
  ASSERT_EQ(o.exit, 0) << o.err;
  EXPECT_NE(o.out.find("\n    cublas\n"), std::string::npos) << o.out;  // refused, whatever is installed: q4_0
}

}  // namespace
}  // namespace lathe
