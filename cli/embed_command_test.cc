// lathe embed as a shell sees it, where it has no model to open.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <string>

namespace {

struct Outcome {
  int exit = -1;
  std::string text;  // stdout and stderr
};

Outcome embed(const std::string& arguments) {
  Outcome outcome;
  FILE* pipe = popen(("\"" LATHE_BINARY "\" embed " + arguments + " 2>&1 </dev/null").c_str(), "r");
  char part[256];
  while (fgets(part, sizeof part, pipe) != nullptr) outcome.text += part;
  const int status = pclose(pipe);
  if (WIFEXITED(status)) outcome.exit = WEXITSTATUS(status);
  return outcome;
}

void expect_error(const std::string& arguments, int exit, const std::string& words) {
  const Outcome o = embed(arguments);
  EXPECT_EQ(o.exit, exit) << arguments;
  EXPECT_TRUE(o.text.starts_with("lathe: ")) << o.text;
  EXPECT_NE(o.text.find(words), std::string::npos) << o.text;
}

TEST(EmbedCommand, ErrorsSayWhatWasFoundAndExitAsTheyShould) {
  expect_error("text", 2, "--model is required");
  expect_error("-m x --dtype q9 text", 2, "--dtype is 'q9'");
  expect_error("-m x --pooling sum text", 2, "--pooling is 'sum'");
  expect_error("-m x --normalize --no-normalize text", 2, "--no-normalize");
  expect_error("-m x --file y text", 2, "--file");
  expect_error("-m x --file /no/such/file", 1, "/no/such/file");
  expect_error("-m /no/such/model text", 1, "/no/such/model");
}

}  // namespace
