// lathe generate, chat, perplexity and bench generate with --device as a shell sees them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/test_files.h"
#include "formats/fake_llama2c.h"
#include "gpu/instance.h"
#include "shell.h"

namespace lathe {
namespace {

using cli::run_lathe;

constexpr Llama2cHeader kHeader = small_llama2c(300, 100, true);

class GenerateDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write("tok300.bin", llama2c_vocabulary(300));
    folder_.write("model.bin", llama2c_bytes(kHeader));
  }
  static bool has_device() {
    const auto instance = gpu::Instance::create();
    return instance && !(*instance)->devices().empty();
  }
  std::string generate(const std::string& more) const {
    return "generate -m " + folder_.path("model.bin") + " --cache off -n 20 --ignore-end abc " + more;
  }
  static void expect_error(const std::string& line, int exit, const std::string& words) {
    const auto o = run_lathe(line);
    EXPECT_EQ(o.exit, exit) << line << "\n" << o.err;
    EXPECT_EQ(o.out, "") << line;
    EXPECT_NE(o.err.find(words), std::string::npos) << line << "\n" << o.err;
  }
  FakeFolder folder_{"generate_device_command"};
};

TEST_F(GenerateDevice, MistakesAreOneSentenceAndExitTwo) {
  expect_error(generate("--device gpu"), 2, "--device is 'gpu', needed: cpu, vulkan or vulkan:N");
  expect_error(generate("--device vulkan --guess 2"), 2, "--guess 2 with --device vulkan");
  expect_error(generate("--device vulkan --kv f16"), 2, "--kv is f16 with a device, needed: f32");
  expect_error(generate("--device vulkan --kv-memory 1G"), 2, "--kv-memory with --device vulkan");
  const std::string bench = "bench generate -m " + folder_.path("model.bin") + " --device vulkan ";
  expect_error(bench + "--batch 0", 2, "--batch is 0");
  expect_error(bench + "--soak-tokens 4", 2, "--soak-tokens with --device vulkan");
  expect_error(bench + "--csv", 2, "--csv and --md with --device vulkan");
}

TEST_F(GenerateDevice, WhatTheDeviceCannotDoIsExitOne) {
  expect_error(generate("--device vulkan:99"), 1, "lathe: ");
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  expect_error(generate("--device vulkan --dtype bf16"), 1, "bf16: the device takes f32, f16, q8_0 and q4_0");
}

TEST_F(GenerateDevice, TextsAreThoseOfTheCpuHoweverItIsDispatched) {
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  for (const std::string sampling : {"", " --temperature 0.8 --top-k 40 --top-p 0.9 --seed 3"}) {
    const auto cpu = run_lathe(generate("--kv f32") + sampling);
    ASSERT_EQ(cpu.exit, 0) << cpu.err;
    for (const char* way : {"model", "layer", "op"}) {
      const auto device = run_lathe(generate("--device vulkan:0 --dispatch ") + way + sampling);
      EXPECT_EQ(device.exit, 0) << device.err;
      EXPECT_EQ(device.out, cpu.out) << way << sampling;
      EXPECT_EQ(device.err, "");
    }
  }
}

TEST_F(GenerateDevice, TheBenchmarkSaysWhatSubmissionsCost) {
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  const auto o = run_lathe("bench generate -m " + folder_.path("model.bin") +
                           " --device vulkan --prompt 20 --tokens 12 --batch 1,5 --runs 1 --json");
  ASSERT_EQ(o.exit, 0) << o.err;
  const auto json = nlohmann::json::parse(o.out);
  ASSERT_EQ(json.at("tests").size(), 7u);
  EXPECT_EQ(json.at("tests")[0].at("test"), "pp20");
  EXPECT_EQ(json.at("tests")[1].at("submissions_per_token"), 0.25);
  EXPECT_EQ(json.at("tests")[2].at("test"), "tg12 drawn");
  EXPECT_EQ(json.at("tests")[2].at("submissions_per_token"), 0.25);
  EXPECT_EQ(json.at("tests")[3].at("test"), "tg12 penalized");
  EXPECT_EQ(json.at("tests")[3].at("submissions_per_token"), 1);
  EXPECT_EQ(json.at("tests")[4].at("test"), "tg12@b5");
  EXPECT_EQ(json.at("tests")[4].at("texts"), 5);
  EXPECT_EQ(json.at("tests")[4].at("submissions_per_token"), 0.05);
  EXPECT_EQ(json.at("tests")[5].at("submissions_per_token"), 0.05);
  EXPECT_EQ(json.at("tests")[6].at("submissions_per_token"), 0.2);
  for (const char* way : {"model_us", "layer_us", "op_us"}) EXPECT_GT(json.at("dispatch").at(way), 0) << way;
}

// The head's product, as the probe has it, and nothing of the others.
TEST_F(GenerateDevice, TheBenchmarkSaysWhichRowsAreAPlans) {
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  const std::string cache = "XDG_CACHE_HOME=" + folder_.path("cache");
  const std::string bench = "bench generate -m " + folder_.path("model.bin") +
                            " --dtype f32 --device vulkan --prompt 20 --tokens 12 --runs 1 ";
  const auto list = run_lathe(bench, cache);
  ASSERT_EQ(list.exit, 0) << list.err;
  EXPECT_NE(
      list.out.find(" rows of the list, untimed; the plan " + folder_.path("cache/lathe/plan.json") + " has none"),
      std::string::npos)
      << list.out;
  const auto probe = run_lathe(
      "probe matmul 1 300 32 --w f32 --variants columns.f32.64x64 --device vulkan --seconds 0.0005 --quick --save-plan",
      cache);
  ASSERT_EQ(probe.exit, 0) << probe.err;
  const auto planned = run_lathe(bench, cache);
  ASSERT_EQ(planned.exit, 0) << planned.err;
  EXPECT_EQ(planned.err, "");
  EXPECT_NE(planned.out.find("products: 1 of "), std::string::npos) << planned.out;
  const auto json = nlohmann::json::parse(run_lathe(bench + "--json", cache).out).at("products");
  EXPECT_EQ(json.at("plan"), folder_.path("cache/lathe/plan.json"));
  EXPECT_EQ(json.at("from_plan"), 1);
  for (const auto& row : json.at("rows"))
    EXPECT_EQ(row.at("from") == "plan", row.at("row") == "columns.f32.64x64") << row;
}

TEST_F(GenerateDevice, ABrokenPlanOrFileOfPipelinesIsAWarning) {
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  const std::string cache = "XDG_CACHE_HOME=" + folder_.path("broken");
  const auto sound = run_lathe(generate("--device vulkan"), cache);
  ASSERT_EQ(sound.exit, 0) << sound.err;
  EXPECT_EQ(sound.err, "");
  for (const auto& file : std::filesystem::directory_iterator(folder_.path("broken/lathe/pipelines")))
    std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) - 1);
  folder_.write("broken/lathe/plan.json", "{");
  const auto broken = run_lathe(generate("--device vulkan"), cache);
  EXPECT_EQ(broken.exit, 0);
  EXPECT_EQ(broken.out, sound.out);
  EXPECT_EQ(std::ranges::count(broken.err, '\n'), 2) << broken.err;
  EXPECT_NE(broken.err.find(folder_.path("broken/lathe/plan.json")), std::string::npos) << broken.err;
  EXPECT_NE(broken.err.find("it was damaged; pipelines are compiled again"), std::string::npos) << broken.err;
}

// Windows that share passes there are scored as the CPU scores one after the other.
TEST_F(GenerateDevice, PerplexityIsTheCpus) {
  const std::string model = test_data("llama2c/stories260K.bin");
  const std::string line = "perplexity --json --cache off --dtype f32 --kv f32 --context 32 -m " + model + " --file " +
                           test_data("llama2c/stories260K_t0_n200.stdout.txt");
  expect_error(line + " --device gpu", 2, "--device is 'gpu', needed: cpu, vulkan or vulkan:N");
  if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is absent";
  if (!has_device()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  for (const char* stride : {"", " --stride 20"}) {
    const auto cpu = nlohmann::json::parse(run_lathe(line + stride).out, nullptr, false);
    const auto device = run_lathe(line + stride + " --device vulkan");
    ASSERT_EQ(device.exit, 0) << device.err;
    EXPECT_EQ(device.err, "");
    const auto found = nlohmann::json::parse(device.out, nullptr, false);
    for (const char* same : {"tokens", "scored", "windows"}) EXPECT_EQ(found.at(same), cpu.at(same)) << same;
    EXPECT_GT(found.at("windows"), 3);
    EXPECT_NEAR(found.at("mean_negative_log_likelihood").get<double>(),
                cpu.at("mean_negative_log_likelihood").get<double>(), 1e-5);
  }
}

}  // namespace
}  // namespace lathe
