// lathe verify as a shell sees it, on a small model made here.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "run/test_model.h"
#include "shell.h"

namespace lathe {
namespace {

using cli::Outcome;

Outcome verify(const std::string& arguments) { return cli::run_lathe("verify " + arguments); }

TEST(VerifyCommand, ASoundModelExitsWithNought) {
  const run::testing::TestModel model("verify_command");
  const Outcome o = verify(model.folder.path());
  EXPECT_EQ(o.exit, 0) << o.out;
  EXPECT_EQ(o.out.find("FAILED"), std::string::npos) << o.out;
  EXPECT_NE(o.out.find("ok      determinism "), std::string::npos) << o.out;
  EXPECT_NE(o.out.find("-       golden vectors "), std::string::npos) << o.out;
}

TEST(VerifyCommand, OtherGoldenVectorsExitWithOne) {
  const run::testing::TestModel model("verify_command_golden");
  nlohmann::json golden = {{"format", "lathe-golden"}, {"version", 1}, {"texts", {"one two"}}};
  golden["vectors"].push_back(std::vector<float>(48, 0.25f));
  model.folder.write("golden.json", golden.dump());
  const Outcome o = verify(model.folder.path() + " --json 2>/dev/null");
  EXPECT_EQ(o.exit, 1);
  const auto json = nlohmann::json::parse(o.out, nullptr, false);
  ASSERT_FALSE(json.is_discarded()) << o.out;
  EXPECT_EQ(json["failed"], 1);
  EXPECT_EQ(json["checks"].back()["check"], "golden vectors");
  EXPECT_EQ(json["checks"].back()["outcome"], "failed");
  EXPECT_LT(json["checks"].back()["figures"]["min_cosine"], 0.9);
  EXPECT_NE(verify(model.folder.path() + " 2>&1").out.find("checks failed"), std::string::npos);
}

TEST(VerifyCommand, AnAbsentModelIsOneSentence) {
  const Outcome o = verify("/no/such/model 2>&1");
  EXPECT_EQ(o.exit, 1);
  EXPECT_TRUE(o.out.starts_with("lathe: '/no/such/model'")) << o.out;
}

}  // namespace
}  // namespace lathe
