// lathe probe matmul --device as a shell sees it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "gpu/instance.h"
#include "shell.h"

namespace lathe {
namespace {

using cli::run_lathe;

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
  expect_error("--device vulkan --save-plan", "--save-plan");
  expect_error("--device vulkan --html x.html", "--html");
  expect_error("--device vulkan --isa avx2", "--isa");
  expect_error("--device vulkan --provider openblas", "--provider");
}

TEST(ProbeDevice, ADeviceThatIsNotThereIsExitOne) {
  const auto o = run_lathe("probe matmul 1 32 64 --device vulkan:99");
  EXPECT_EQ(o.exit, 1);
  EXPECT_EQ(o.err.substr(0, 7), "lathe: ") << o.err;
}

TEST(ProbeDevice, PrintsATableOrJson) {
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  const std::string line =
      "probe matmul 1 48 64 --w q4_0 --epilogue bias+silu --device vulkan --seconds 0.0005 "
      "--variants 'small.q4_0.*,tiled.q4_0.*' --quick ";
  const auto table = run_lathe(line);
  ASSERT_EQ(table.exit, 0) << table.err;
  EXPECT_NE(table.out.find("small.q4_0.64 *"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("1 rows of x, needed: 2 or more"), std::string::npos) << table.out;
  const auto json = run_lathe(line + "--json -");
  ASSERT_EQ(json.exit, 0) << json.err;
  const auto document = nlohmann::json::parse(json.out);
  EXPECT_EQ(document.at("device").at("device"), "vulkan:0");
  EXPECT_EQ(document.at("rows").size(), 3u);
}

}  // namespace
}  // namespace lathe
