// lathe bench embed as a shell sees it, where it has no model to open.
#include <gtest/gtest.h>

#include "shell.h"

namespace {

void expect_error(const std::string& arguments, int exit, const std::string& words) {
  const auto [code, out, text] = lathe::cli::run_lathe("bench embed " + arguments);
  EXPECT_EQ(code, exit) << arguments << ": " << text;
  EXPECT_EQ(out, "") << arguments;
  EXPECT_TRUE(text.starts_with("lathe: ")) << text;
  EXPECT_NE(text.find(words), std::string::npos) << text;
}

TEST(BenchEmbedCommand, ErrorsSayWhatWasFoundAndExitAsTheyShould) {
  expect_error("", 2, "--model is required");
  expect_error("-m x --dtype q9", 2, "--dtype is 'q9'");
  expect_error("-m x --dispatch all", 2, "--dispatch is 'all'");
  expect_error("-m x --scenario longer", 2, "--scenario is 'longer'");
  expect_error("-m x --seconds 0", 2, "--seconds is 0");
  expect_error("-m x --soak -1", 2, "--soak is -1");
  expect_error("-m /no/such/model", 1, "/no/such/model");
  expect_error("-m /no/such/model --interactive", 1, "/no/such/model");
}

}  // namespace
