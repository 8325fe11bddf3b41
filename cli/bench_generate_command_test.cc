// lathe bench generate as a shell sees it, with a model of a few kilobytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "formats/fake_llama2c.h"
#include "shell.h"

namespace {

using lathe::FakeFolder;
using Json = nlohmann::json;

constexpr lathe::Llama2cHeader kHeader = lathe::small_llama2c(300, 100, true);

class BenchGenerateCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write("tok300.bin", lathe::llama2c_vocabulary(300));
    folder_.write("model.bin", lathe::llama2c_bytes(kHeader));
  }
  lathe::cli::Outcome bench(const std::string& arguments) const {
    return lathe::cli::run_lathe("bench generate -m " + folder_.path("model.bin") + " --threads 1 " + arguments,
                                 "XDG_CACHE_HOME=" + folder_.path("cache"));
  }
  FakeFolder folder_{"bench_generate_command"};
};

TEST_F(BenchGenerateCommand, PrintsARowForEveryTest) {
  const std::string tests = "--prompt 20 --tokens 8 --batch 1,3 --runs 2 ";
  const auto [code, out, err] = bench(tests + "--dispatch-sweep --json");
  ASSERT_EQ(code, 0) << err;
  const Json json = Json::parse(out);
  EXPECT_EQ(json["format"], "lathe-bench-generate");
  EXPECT_EQ(json["parameters"].get<int64_t>() > 0, true);
  ASSERT_EQ(json["tests"].size(), 3u);
  EXPECT_EQ(json["tests"][0]["test"], "pp20");
  EXPECT_EQ(json["tests"][2]["test"], "tg8@b3");
  for (const Json& test : json["tests"]) {
    EXPECT_EQ(test["runs"].size(), 2u);
    EXPECT_GT(test["tokens_per_s"]["median"].get<double>(), 0);
    EXPECT_GT(test["ceiling_share"].get<double>(), 0);
    double known = test["around_share"].get<double>() + test["unaccounted"].get<double>();
    for (const Json& op : test["ops"]) known += op["share"].get<double>();
    EXPECT_NEAR(known, 1, 1e-6);
  }
  EXPECT_EQ(json["dispatch_sweep"].size(), 3u);
  EXPECT_GT(json["start_ms"]["cold"].get<double>(), 0);
  EXPECT_TRUE(json.contains("cancel"));

  const auto csv = bench(tests + "--no-start --csv");
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 4) << csv.out << csv.err;
  const auto md = bench(tests + "--no-start --md");
  EXPECT_EQ(std::count(md.out.begin(), md.out.end(), '\n'), 5) << md.out << md.err;
  EXPECT_NE(md.out.find("| tg8@b3 |"), std::string::npos) << md.out;
  const auto text = bench(tests + "--no-start");
  EXPECT_NE(text.out.find("unaccounted"), std::string::npos) << text.out << text.err;
}

TEST_F(BenchGenerateCommand, ASoakStandsInPlaceOfTheTests) {
  const auto [code, out, err] = bench("--soak-tokens 200 --no-start --json");
  ASSERT_EQ(code, 0) << err;
  const Json json = Json::parse(out);
  EXPECT_EQ(json["tests"].size(), 0u);
  EXPECT_GE(json["soak"]["tokens"].get<int64_t>(), 200);
}

TEST_F(BenchGenerateCommand, AnswersRequestsLineByLine) {
  const std::string requests =
      R"({\"ask\":\"model\"}\n{\"ask\":\"prompt\",\"tokens\":20}\n{\"ask\":\"answer\",\"tokens\":4,\"texts\":2}\n)"
      R"({\"ask\":\"logits\",\"ids\":[1,2,3],\"file\":\")" +
      folder_.path("logits") + R"(\"}\n{\"ask\":\"more\"}\n[\n{\"ask\":\"prompt\",\"tokens\":\"x\"}\n)";
  const auto [code, out, err] = lathe::cli::shell(
      "printf \"" + requests + "\" | \"" LATHE_BINARY "\" bench generate --interactive --threads 1 -m " +
      folder_.path("model.bin"));
  ASSERT_EQ(code, 0) << err;
  std::vector<Json> answers;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) answers.push_back(Json::parse(line));
  ASSERT_EQ(answers.size(), 7u) << out;
  EXPECT_EQ(answers[0]["vocabulary"], 300);
  EXPECT_EQ(answers[1]["tokens"], 20);
  EXPECT_EQ(answers[2]["tokens"], 8);
  EXPECT_EQ(answers[2]["step_ns"].size(), 4u);
  EXPECT_EQ(answers[3]["rows"], 3);
  EXPECT_EQ(lathe::cli::read_all(folder_.path("logits")).size(), 3u * 300u * sizeof(float));
  for (size_t i = 4; i < 7; ++i) EXPECT_TRUE(answers[i].contains("error")) << out;
}

TEST_F(BenchGenerateCommand, ErrorsSayWhatWasFoundAndExitAsTheyShould) {
  const auto expect_error = [this](const std::string& arguments, int exit, const std::string& words) {
    const auto [code, out, err] = bench(arguments);
    EXPECT_EQ(code, exit) << arguments << ": " << err;
    EXPECT_EQ(out, "") << arguments;
    EXPECT_NE(err.find(words), std::string::npos) << err;
  };
  expect_error("--dtype q9", 2, "--dtype is 'q9'");
  expect_error("--kv q8", 2, "--kv is 'q8'");
  expect_error("--batch 0", 2, "--batch is 0");
  expect_error("--runs 0", 2, "--runs is 0");
  expect_error("--prompt -1", 2, "--prompt is -1");
  expect_error("--no-start --prompt 101", 2, "needed: 1 or more texts, and 1 to the context's 100 tokens");
  expect_error("--no-start --tokens 99 --prompt 0", 2, "needed: at most those of the context, 100");
}

}  // namespace
