// `lathe index` and `lathe search` as a shell sees them, with the small BERT.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "run/test_model.h"
#include "shell.h"

namespace {

using lathe::FakeFolder;
using lathe::cli::Outcome;

// Its text is standard output and standard error.
Outcome lathe_run(const std::string& arguments) { return lathe::cli::run_lathe(arguments + " 2>&1"); }

void expect_error(const std::string& arguments, int exit, const std::string& words) {
  const Outcome o = lathe_run(arguments + " </dev/null");
  EXPECT_EQ(o.exit, exit) << arguments << ": " << o.out;
  EXPECT_TRUE(o.out.starts_with("lathe: ")) << o.out;
  EXPECT_NE(o.out.find(words), std::string::npos) << o.out;
}

TEST(SearchCommand, IndexesAndAnswers) {
  const FakeFolder folder("search_command");
  lathe::run::testing::write_model(folder, "model");
  folder.write("docs/a.md", "# Numbers\none two three\n");
  folder.write("docs/b.txt", "four four four\n");
  const std::string x = folder.path("x"), make = "index " + folder.path("docs") + " -o " + x + " -m " +
                                                 folder.path("model") + " --store int8 -t 1";
  const Outcome first = lathe_run(make);
  EXPECT_EQ(first.exit, 0) << first.out;
  EXPECT_NE(first.out.find("2 added, 0 changed, 0 kept; 0 removed"), std::string::npos) << first.out;
  EXPECT_NE(lathe_run(make).out.find("nothing had changed"), std::string::npos);
  expect_error(make + " --overlap 1", 1, "--rebuild");

  const Outcome found = lathe_run("search " + x + " -k 1 -t 1 four four four");
  EXPECT_EQ(found.exit, 0);
  EXPECT_TRUE(found.out.starts_with(" 1  1.0000  " + folder.path("docs/b.txt") + ":1\n    four four four\n"))
      << found.out;
  EXPECT_EQ(found.out.find('\033'), std::string::npos);

  const Outcome json = lathe_run("search " + x + " -k 2 --json --queries " + folder.write("q", "one\n\ntwo\n"));
  EXPECT_EQ(json.exit, 0) << json.out;
  std::istringstream in(json.out);
  int count = 0;
  for (std::string line; std::getline(in, line); ++count) {
    const auto hit = nlohmann::json::parse(line);
    EXPECT_EQ(hit["query"], count < 2 ? "one" : "two");
    EXPECT_EQ(hit["rank"], 1 + count % 2);
  }
  EXPECT_EQ(count, 4);
  EXPECT_NE(lathe_run("search " + x + " -t 1 --evaluate").out.find("int8, rescored      1.0000"), std::string::npos);
}

TEST(SearchCommand, ErrorsSayWhatWasFoundAndExitAsTheyShould) {
  const FakeFolder folder("search_errors");
  const std::string text = folder.write("text", "no index");
  expect_error("index", 2, "PATH");
  expect_error("index x -o y -m z --store q9", 2, "--store is 'q9'");
  expect_error("index x -o y -m z --dtype q9", 2, "--dtype is 'q9'");
  expect_error("index x -o y -m /no/such/model", 1, "/no/such/model");
  expect_error("index x -o y -m z --overlap 100", 2, "half a chunk");
  expect_error("search " + text + " words", 1, "LATHEIDX");
  expect_error("search /no/such/index words", 1, "/no/such/index");
  expect_error("search " + text, 2, "there is no query");
  expect_error("search " + text + " -k 0 words", 2, "-k is 0");
  expect_error("search " + text + " --queries q words", 2, "--queries");
}

}  // namespace
