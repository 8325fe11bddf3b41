// lathe probe, explain and bench as a shell sees them.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "shell.h"

namespace {

namespace fs = std::filesystem;

using lathe::cli::Outcome;
using lathe::cli::read_all;

// Each test in a folder of its own, which is the cache folder of the user too.
class ProbeCommand : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("lathe_probe_command_" + std::to_string(getpid()));
    fs::create_directory(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const char* name) const { return (folder_ / name).string(); }

  Outcome lathe(const std::string& arguments) const {
    return lathe::cli::run_lathe(arguments, "XDG_CACHE_HOME=" + folder_.string());
  }

  void expect_error(int exit, const std::string& arguments, const std::string& words) const {
    const Outcome o = lathe(arguments);
    EXPECT_EQ(o.exit, exit) << arguments;
    EXPECT_EQ(o.out, "") << arguments;
    EXPECT_EQ(o.err.substr(0, 7), "lathe: ") << arguments << ": " << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    EXPECT_NE(o.err.find(words), std::string::npos) << arguments << ": " << o.err;
  }

  fs::path folder_;
};

constexpr char kTiny[] = "probe matmul 5 32 64 --seconds 0.005 --provider none ";

TEST_F(ProbeCommand, MistakesAreOneSentenceAndExitTwo) {
  expect_error(2, "probe matmul --preset nope", "models, arctic, qwen");
  expect_error(2, "probe matmul --isa nope", "avx2");
  expect_error(2, "probe matmul --provider nope", "openblas");
  expect_error(2, "probe matmul --variants nope", "scalar.");
  expect_error(2, "probe matmul 1 2 0", "K is '0'");
  expect_error(2, "probe matmul 1 2 x", "K is 'x'");
  expect_error(2, "probe matmul 1 2 3.5", "K is '3.5'");
  expect_error(2, "probe matmul 1 2 2147483648", "K is '2147483648'");
  expect_error(2, "probe matmul 1 2", "3 required");
  expect_error(2, "probe matmul 999999 999999 99", "GiB");
  expect_error(2, "probe matmul --preset quick --shapes x.json", "needed: one");
  expect_error(2, "probe matmul --threads -1", "--threads is '-1'");
  expect_error(2, "probe matmul --threads 100000", "--threads is '100000'");
  expect_error(2, "probe matmul --seed -1", "--seed is '-1'");
  expect_error(2, "probe matmul --seconds 0", "--seconds is 0");
  expect_error(2, "probe matmul --hot --save-plan", "--hot");
  expect_error(2, "probe matmul --json /no/such/folder/x.json", "/no/such/folder");
  expect_error(2, "explain 1 2 3 --w q9", "q8_0");
  expect_error(2, "explain 1 2 3 --order mn", "nk, kn");
  expect_error(2, "explain 1 2 3 --epilogue tanh", "gelu_tanh");
  expect_error(2, "explain", "required");
  expect_error(2, "bench matmul 1 2 3 --variant nope", "scalar.");
}

TEST_F(ProbeCommand, WhatThisMachineLacksIsExitOne) {
#if defined(__x86_64__)
  expect_error(1, "probe matmul --isa sme", "sme needs");
  expect_error(1, "explain 1 2 3 --isa sme", "sme needs");
#else
  expect_error(1, "probe matmul --isa avx2", "avx2 needs");
#endif
  expect_error(1, "probe matmul --shapes " + path("none.json"), "none.json");
}

TEST_F(ProbeCommand, AShapesFileWithAMistakeIsExitTwo) {
  std::ofstream(path("bad.json"))
      << R"([{"m": 1, "n": 0, "k": 3, "layout": "nk", "types": "f32", "epilogue": "none"}])";
  expect_error(2, "probe matmul --shapes " + path("bad.json"), "bad.json: entry 0, field \"n\" is 0");
}

TEST_F(ProbeCommand, TableOnStdoutAndNothingElse) {
  const Outcome o = lathe(kTiny);
  EXPECT_EQ(o.exit, 0) << o.err;
  EXPECT_EQ(o.err, "");
  for (const char* part : {"machine ", "ceilings ", "f32 5x32x64", "not supported", "overall: "})
    EXPECT_NE(o.out.find(part), std::string::npos) << part;
  EXPECT_EQ(o.out.find('\033'), std::string::npos);
  EXPECT_EQ(o.out.find('\r'), std::string::npos);
}

TEST_F(ProbeCommand, JsonOnStdoutIsAllThereIs) {
  const Outcome o = lathe(std::string(kTiny) + "--w q8_0 --epilogue bias+gelu --threads 1 --json -");
  EXPECT_EQ(o.exit, 0) << o.err;
  const auto json = nlohmann::json::parse(o.out, nullptr, false);
  ASSERT_FALSE(json.is_discarded());
  EXPECT_EQ(json["machine"]["threads"], 1);
  EXPECT_GT(json["machine"]["ceilings"]["fma_gflops"], 0.0);
  EXPECT_NE(json["machine"]["flags"], "");
  int passed = 0, chosen = 0;
  for (const auto& row : json["rows"]) {
    passed += row["disposition"] == "passed";
    chosen += row["chosen"].get<bool>();
    EXPECT_EQ(row["types"], "q8_0");
    EXPECT_EQ(row["epilogue"], "bias+gelu");
  }
  EXPECT_GE(passed, 1);
  EXPECT_EQ(chosen, 1);
}

TEST_F(ProbeCommand, FilesAreWrittenWholeAndAlone) {
  const Outcome o =
      lathe(std::string(kTiny) + "--json " + path("r.json") + " --html " + path("r.html") + " --csv " + path("r.csv"));
  EXPECT_EQ(o.exit, 0) << o.err;
  EXPECT_TRUE(nlohmann::json::accept(read_all(path("r.json"))));
  EXPECT_NE(read_all(path("r.html")).find("</html>"), std::string::npos);
  EXPECT_NE(read_all(path("r.csv")).find("5,32,64"), std::string::npos);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 3);
}

TEST_F(ProbeCommand, InterruptLeavesNoFile) {
  const std::string json = path("r.json");
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::array<const char*, 8> args = {LATHE_BINARY, "probe",  "matmul",     "--seconds",
                                       "60",         "--json", json.c_str(), nullptr};
    execv(args[0], const_cast<char* const*>(args.data()));
    _exit(127);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
  EXPECT_TRUE(fs::is_empty(folder_));
}

// Saved by probe, used and named by explain, ignored with one warning where it is damaged.
TEST_F(ProbeCommand, ThePlanIsSavedUsedAndDistrusted) {
  const Outcome saved = lathe(std::string(kTiny) + "--threads 1 --save-plan");
  EXPECT_EQ(saved.exit, 0) << saved.err;
  const std::string plan = path("lathe/plan.json");
  EXPECT_NE(saved.err.find("1 shapes entered into " + plan), std::string::npos) << saved.err;
  ASSERT_TRUE(fs::exists(plan));
  EXPECT_EQ(nlohmann::json::parse(read_all(plan))["content"]["entries"].size(), 1u);

  const std::string explain = "explain 5 32 64 --threads 1 --no-measure";
  const Outcome used = lathe(explain);
  EXPECT_EQ(used.exit, 0) << used.err;
  EXPECT_EQ(used.err, "");
  EXPECT_NE(used.out.find("the plan " + plan + " has it"), std::string::npos) << used.out;

  fs::resize_file(plan, fs::file_size(plan) / 2);
  const Outcome damaged = lathe(explain);
  EXPECT_EQ(damaged.exit, 0);
  EXPECT_EQ(std::count(damaged.err.begin(), damaged.err.end(), '\n'), 1) << damaged.err;
  EXPECT_NE(damaged.err.find("plan.json: ignored"), std::string::npos) << damaged.err;
  EXPECT_NE(damaged.out.find("no plan has this product"), std::string::npos) << damaged.out;
}

TEST_F(ProbeCommand, NewOnlyMeasuresNothingTwice) {
  ASSERT_EQ(lathe(std::string(kTiny) + "--threads 1 --save-plan").exit, 0);
  const std::string before = read_all(path("lathe/plan.json"));
  const Outcome again = lathe(std::string(kTiny) + "--threads 1 --save-plan --new-only");
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(again.out, "");
  EXPECT_EQ(read_all(path("lathe/plan.json")), before);
  expect_error(2, std::string(kTiny) + "--new-only", "--save-plan");
}

TEST_F(ProbeCommand, ExplainNamesTheChoiceTheRefusedAndThePacking) {
  const Outcome o = lathe("explain 17 64 96 --w q8_0 --epilogue gelu");
  EXPECT_EQ(o.exit, 0) << o.err;
  for (const char* part : {"product  17x64x96 q8_0 nk prepared gelu", "runs ", "why ", "ceiling ", "candidates",
                           "refused", "reads weights of type f32", "packing  panel_q8 once", "FLOP/byte"})
    EXPECT_NE(o.out.find(part), std::string::npos) << part << "\n" << o.out;
}

TEST_F(ProbeCommand, ExplainOfWhatNothingTakesListsTheRefusalsAndFails) {
  const Outcome o = lathe("explain 4 4 4 --w s8 --a f32 --no-measure");
  EXPECT_EQ(o.exit, 1);
  EXPECT_NE(o.out.find("refused"), std::string::npos);
  EXPECT_NE(o.err.find("lathe: no kernel takes"), std::string::npos) << o.err;
}

TEST_F(ProbeCommand, BenchPrintsTheRate) {
  const Outcome o = lathe("bench matmul 8 32 32 --seconds 0.01 --variant scalar.f32.f32.blocked");
  EXPECT_EQ(o.exit, 0) << o.err;
  EXPECT_NE(o.out.find("scalar.f32.f32.blocked"), std::string::npos);
  EXPECT_NE(o.out.find("GFLOP/s"), std::string::npos);
  EXPECT_NE(o.out.find("median"), std::string::npos);
}

}  // namespace
