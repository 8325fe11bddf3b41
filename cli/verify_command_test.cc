// lathe verify as a shell sees it, on a small model made here.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "run/test_model.h"

namespace lathe {
namespace {

struct Outcome {
  int exit = -1;
  std::string text;
};

Outcome verify(const std::string& arguments) {
  Outcome outcome;
  FILE* pipe = popen(("\"" LATHE_BINARY "\" verify " + arguments + " </dev/null").c_str(), "r");
  if (!pipe) return outcome;
  char part[4096];
  for (size_t got; (got = fread(part, 1, sizeof part, pipe)) > 0;) outcome.text.append(part, got);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) outcome.exit = WEXITSTATUS(status);
  return outcome;
}

TEST(VerifyCommand, ASoundModelExitsWithNought) {
  const run::testing::TestModel model("verify_command");
  const Outcome o = verify(model.folder.path());
  EXPECT_EQ(o.exit, 0) << o.text;
  EXPECT_EQ(o.text.find("FAILED"), std::string::npos) << o.text;
  EXPECT_NE(o.text.find("ok      determinism "), std::string::npos) << o.text;
  EXPECT_NE(o.text.find("-       golden vectors "), std::string::npos) << o.text;
}

TEST(VerifyCommand, OtherGoldenVectorsExitWithOne) {
  const run::testing::TestModel model("verify_command_golden");
  nlohmann::json golden = {{"format", "lathe-golden"}, {"version", 1}, {"texts", {"one two"}}};
  golden["vectors"].push_back(std::vector<float>(48, 0.25f));
  model.folder.write("golden.json", golden.dump());
  const Outcome o = verify(model.folder.path() + " --json 2>/dev/null");
  EXPECT_EQ(o.exit, 1);
  const auto json = nlohmann::json::parse(o.text, nullptr, false);
  ASSERT_FALSE(json.is_discarded()) << o.text;
  EXPECT_EQ(json["failed"], 1);
  EXPECT_EQ(json["checks"].back()["check"], "golden vectors");
  EXPECT_EQ(json["checks"].back()["outcome"], "failed");
  EXPECT_LT(json["checks"].back()["figures"]["min_cosine"], 0.9);
  EXPECT_NE(verify(model.folder.path() + " 2>&1").text.find("checks failed"), std::string::npos);
}

TEST(VerifyCommand, AnAbsentModelIsOneSentence) {
  const Outcome o = verify("/no/such/model 2>&1");
  EXPECT_EQ(o.exit, 1);
  EXPECT_TRUE(o.text.starts_with("lathe: '/no/such/model'")) << o.text;
}

}  // namespace
}  // namespace lathe
