// The binary as a shell sees it: what it prints where, and how it exits.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "shell.h"

namespace {

using lathe::cli::Outcome;
using lathe::cli::run_lathe;

// Exit code 2, nothing on stdout, one line on stderr that holds `words`.
void expect_usage_error(const std::string& arguments, const std::string& words) {
  const Outcome o = run_lathe(arguments);
  EXPECT_EQ(o.exit, 2) << arguments;
  EXPECT_EQ(o.out, "") << arguments;
  EXPECT_EQ(o.err.substr(0, 7), "lathe: ") << arguments;
  EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
  EXPECT_NE(o.err.find(words), std::string::npos) << o.err;
}

TEST(Cli, HelpShowsTheFirstSteps) {
  const Outcome o = run_lathe("--help");
  EXPECT_EQ(o.exit, 0);
  EXPECT_EQ(o.err, "");
  EXPECT_NE(o.out.find("lathe inspect machine"), std::string::npos);
  EXPECT_NE(o.out.find("Exit codes"), std::string::npos);
}

TEST(Cli, HelpOfACommandHasNoFirstSteps) {
  const Outcome o = run_lathe("inspect machine --help");
  EXPECT_EQ(o.exit, 0);
  EXPECT_NE(o.out.find("--json"), std::string::npos);
  EXPECT_EQ(o.out.find("First steps"), std::string::npos);
}

TEST(Cli, Version) {
  const Outcome o = run_lathe("--version");
  EXPECT_EQ(o.exit, 0);
  EXPECT_EQ(o.out.substr(0, 6), "lathe ");
  EXPECT_NE(std::string("0123456789").find(o.out[6]), std::string::npos);
}

TEST(Cli, NoCommandPrintsTheHelpAsAUsageError) {
  const Outcome o = run_lathe("");
  EXPECT_EQ(o.exit, 2);
  EXPECT_EQ(o.out, "");
  EXPECT_NE(o.err.find("Usage:"), std::string::npos);
}

TEST(Cli, UsageErrorsAreOneLineAndSayWhereToLook) {
  expect_usage_error("frobnicate", "unknown command 'frobnicate'; see 'lathe --help'");
  expect_usage_error("inspect frobnicate", "unknown command 'frobnicate'; see 'lathe inspect --help'");
  expect_usage_error("inspect", "a command is missing; see 'lathe inspect --help'");
  expect_usage_error("--frobnicate", "--frobnicate");
  expect_usage_error("inspect machine --frobnicate", "see 'lathe inspect machine --help'");
  expect_usage_error("inspect machine --log-level", "--log-level");
  expect_usage_error("inspect machine --log-level loud", "expected one of trace, debug, info, warn, error, off");
  expect_usage_error("\"$(printf 'a\\nb\\033[31m')\"", "unknown command 'a b [31m'");
}

TEST(Cli, TheLogLevelMayComeFromTheEnvironment) {
  EXPECT_EQ(run_lathe("inspect machine", "LATHE_LOG_LEVEL=loud").exit, 2);
  EXPECT_EQ(run_lathe("inspect machine", "LATHE_LOG_LEVEL=info").exit, 0);
  EXPECT_EQ(run_lathe("--log-level off inspect machine", "LATHE_LOG_LEVEL=loud").exit, 0);
}

TEST(Cli, AFullDiskIsAFailureInOneLine) {
  for (const char* command : {"inspect machine --json >/dev/full", "inspect machine >/dev/full", "--help >/dev/full"}) {
    const Outcome o = run_lathe(command);
    EXPECT_EQ(o.exit, 1) << command;
    EXPECT_NE(o.err.find("No space left"), std::string::npos) << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
  }
}

TEST(Cli, AClosedPipeEndsItQuietly) {
  // The subshell waits until `true` has closed its end, then says how lathe ended: 141 is 128 + SIGPIPE.
  const Outcome o = run_lathe("--version | true; trap '' PIPE; (sleep 0.2; \"" LATHE_BINARY
                              "\" inspect machine --json; echo $? >&2) | true");
  EXPECT_EQ(o.err, "141\n");
}

TEST(InspectMachine, TextNamesTheThreadsAndWhy) {
  const Outcome o = run_lathe("inspect machine");
  EXPECT_EQ(o.exit, 0);
  EXPECT_EQ(o.err, "");
  for (const char* name : {"processor ", "features ", "L1 data cache ", "allowed CPUs ", "CPU quota ", "memory limit "})
    EXPECT_NE(o.out.find(name), std::string::npos) << name;
  EXPECT_NE(o.out.find("\nthreads "), std::string::npos);
}

TEST(InspectMachine, JsonIsCleanAndAgreesWithTheSystem) {
  const Outcome o = run_lathe("inspect machine --json --log-level trace");
  EXPECT_EQ(o.exit, 0);
  const auto json = nlohmann::json::parse(o.out, nullptr, false);
  ASSERT_FALSE(json.is_discarded()) << o.out;
  EXPECT_EQ(json["logical_cpus"], sysconf(_SC_NPROCESSORS_ONLN));
  EXPECT_EQ(json["memory_total"], sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
  EXPECT_TRUE(json["features"].is_array());
  EXPECT_GE(json["threads"], 1);
  EXPECT_FALSE(json["threads_reason"].get<std::string>().empty());
}

TEST(InspectMachine, TheAffinityMaskCounts) {
  const auto json = nlohmann::json::parse(run_lathe("inspect machine --json", "taskset -c 0").out, nullptr, false);
  ASSERT_FALSE(json.is_discarded());
  EXPECT_EQ(json["allowed_cpus"], nlohmann::json::array({0}));
  EXPECT_EQ(json["threads"], 1);
}

}  // namespace
