// lathe embed, bench embed, index and search with --device as a shell sees them.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "gpu/instance.h"
#include "run/test_model.h"
#include "shell.h"

namespace lathe {
namespace {

using cli::run_lathe;

class EmbedDevice : public ::testing::Test {
 protected:
  static bool has_device() {
    const auto instance = gpu::Instance::create();
    return instance && !(*instance)->devices().empty();
  }
  std::string embed(const std::string& more) const {
    return "embed -m " + model_.folder.path() + " --cache off \"one two\" three " + more;
  }
  static void expect_error(const std::string& line, int exit, const std::string& words) {
    const auto o = run_lathe(line);
    EXPECT_EQ(o.exit, exit) << line << "\n" << o.err;
    EXPECT_EQ(o.out, "") << line;
    EXPECT_NE(o.err.find(words), std::string::npos) << line << "\n" << o.err;
  }
  run::testing::TestModel model_{"embed_device_command"};
};

TEST_F(EmbedDevice, MistakesAreOneSentenceAndExitTwo) {
  expect_error(embed("--device gpu"), 2, "--device is 'gpu', needed: cpu, vulkan or vulkan:N");
  expect_error(embed("--dispatch all"), 2, "--dispatch is 'all'");
  expect_error(embed("--device vulkan --max-rss 1G"), 2, "--max-rss with --device vulkan");
  const std::string bench = "bench embed -m " + model_.folder.path() + " --device vulkan ";
  expect_error(bench + "--soak 4", 2, "--soak with --device vulkan");
}

TEST_F(EmbedDevice, WhatTheDeviceCannotDoIsExitOne) {
  expect_error(embed("--device vulkan:99"), 1, "lathe: ");
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  expect_error(embed("--device vulkan --dtype bf16"), 1, "bf16: the device takes f32, f16, q8_0 and q4_0");
}

TEST_F(EmbedDevice, VectorsAreThoseOfTheCpuHoweverItIsDispatched) {
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  const auto numbers = [](const std::string& out) {
    return nlohmann::json::parse(out.substr(0, out.find('\n'))).at("embedding").get<std::vector<double>>();
  };
  const auto cpu = run_lathe(embed(""));
  ASSERT_EQ(cpu.exit, 0) << cpu.err;
  const auto expected = numbers(cpu.out);
  std::string first;
  for (const char* way : {"model", "layer", "op"}) {
    const auto device = run_lathe(embed("--device vulkan:0 --dispatch ") + way);
    ASSERT_EQ(device.exit, 0) << device.err;
    EXPECT_EQ(device.err, "");
    if (first.empty()) first = device.out;
    EXPECT_EQ(device.out, first) << way;
    const auto found = numbers(device.out);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5) << i;
  }
}

TEST_F(EmbedDevice, AnIndexOfADeviceIsSearchedOnEither) {
  const FakeFolder folder("index_device_command");
  folder.write("docs/a.md", "# Numbers\none two three\n");
  folder.write("docs/b.txt", "four four four\n");
  const std::string x = folder.path("x");
  const std::string make = "index " + folder.path("docs") + " -o " + x + " --cache off -m " + model_.folder.path();
  const std::string ask = "search " + x + " -k 1 --json --cache off four four four";
  expect_error(make + " --device gpu", 2, "--device is 'gpu', needed: cpu, vulkan or vulkan:N");
  expect_error(make + " --device vulkan:99", 1, "lathe: ");
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  expect_error(make + " --device vulkan --dtype bf16", 1, "bf16: the device takes f32, f16, q8_0 and q4_0");
  const auto made = run_lathe(make + " --device vulkan");
  ASSERT_EQ(made.exit, 0) << made.err;
  EXPECT_EQ(made.err, "");
  expect_error(ask + " --device gpu", 2, "--device is 'gpu'");
  for (const char* device : {"cpu", "vulkan:0"}) {
    const auto found = run_lathe(ask + " --device " + device);
    ASSERT_EQ(found.exit, 0) << found.err;
    const auto hit = nlohmann::json::parse(found.out);
    EXPECT_EQ(hit.at("path"), folder.path("docs/b.txt"));
    EXPECT_NEAR(hit.at("score").get<double>(), 1, 1e-5) << device;
  }
}

TEST_F(EmbedDevice, TheBenchmarkSaysWhatSubmissionsCost) {
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  const auto o = run_lathe("bench embed -m " + model_.folder.path() +
                           " --device vulkan --scenario short --seconds 0.1 --dispatch-sweep --json");
  ASSERT_EQ(o.exit, 0) << o.err;
  const auto json = nlohmann::json::parse(o.out);
  ASSERT_EQ(json.at("scenarios").size(), 1u);
  EXPECT_EQ(json.at("scenarios")[0].at("scenario"), "short");
  EXPECT_EQ(json.at("scenarios")[0].at("submissions_per_call"), 1);
  for (const char* way : {"model_us", "layer_us", "op_us"})
    EXPECT_GT(json.at("scenarios")[0].at("dispatch").at(way), 0) << way;
}

}  // namespace
}  // namespace lathe
