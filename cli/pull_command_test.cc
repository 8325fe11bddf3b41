// lathe pull as a shell sees it, against a server on loopback.
#include <gtest/gtest.h>

#include <string>

#include "base/sha256.h"
#include "base/test_files.h"
#include "hub/fake_server.h"
#include "shell.h"

namespace lathe {
namespace {

using hub::testing::FakeHub;

using cli::Outcome;

class PullCommand : public testing::Test {
 protected:
  PullCommand() : folder_("pull_command") {
    hub_.files["model.safetensors"] = {"weights", sha256_hex("weights"), true};
    hub_.files["a.gguf"] = {"GGUF", sha256_hex("GGUF"), true};
  }

  // Nothing of the environment's own Hugging Face is looked at.
  Outcome lathe(const std::string& arguments, const std::string& environment = "") const {
    return cli::run_lathe(arguments, "env -u HF_HUB_CACHE -u HF_TOKEN -u HF_TOKEN_PATH -u HF_HUB_OFFLINE HF_HOME=" +
                                         folder_.path("hf") + " HF_ENDPOINT=" + hub_.url() + " " + environment);
  }
  std::string snapshot() const {
    return folder_.path("hf/hub/models--org--name/snapshots/") + std::string(FakeHub::kCommit);
  }

  FakeFolder folder_;
  FakeHub hub_;
};

TEST_F(PullCommand, PrintsWhereTheModelLiesAndNothingElse) {
  const Outcome o = lathe("pull org/name");
  EXPECT_EQ(o.exit, 0) << o.err;
  EXPECT_EQ(o.out, snapshot() + "\n");
  EXPECT_EQ(o.err, "org/name at 0123456789ab: 1 file, 0.0 MB, of which 0.0 MB were downloaded\n");  // no bar
  // Found by its name from now on, without a server.
  const Outcome inspected = lathe("inspect model org/name", "HF_ENDPOINT=http://127.0.0.1:1");
  EXPECT_NE(inspected.err.find(snapshot()), std::string::npos) << inspected.err;
}

TEST_F(PullCommand, OneFileByItsName) {
  const Outcome o = lathe("pull org/name:a.gguf");
  EXPECT_EQ(o.out, snapshot() + "/a.gguf\n") << o.err;
  EXPECT_EQ(lathe("pull org/name --file 'b.*'").exit, 1);
}

TEST_F(PullCommand, TheTokenComesFromTheEnvironmentOrItsFile) {
  hub_.needed_token = "hf_secret";
  const Outcome refused = lathe("pull org/name");
  EXPECT_EQ(refused.exit, 1);
  EXPECT_NE(refused.err.find("give one with HF_TOKEN"), std::string::npos) << refused.err;
  EXPECT_EQ(lathe("pull org/name", "HF_TOKEN=hf_secret").exit, 0);
  folder_.write("hf/token", "hf_secret\n");
  EXPECT_EQ(lathe("pull org/name").exit, 0);
  EXPECT_EQ(lathe("pull org/name", "HF_HUB_DISABLE_IMPLICIT_TOKEN=1").exit, 1);
}

TEST_F(PullCommand, MistakesAreOneSentence) {
  struct Mistake {
    const char *arguments, *words;
    int exit;
  };
  const Mistake mistakes[] = {{"pull", "NAME is required", 2},
                              {"pull ../x", "needed: a Hugging Face name", 2},
                              {"pull org/absent", "no such model at http://127.0.0.1", 1},
                              {"pull org/name --endpoint x", "the endpoint is 'x'", 2},
                              {"pull org/name --endpoint http://127.0.0.1:1", "cannot be reached", 1}};
  for (const auto& [arguments, words, exit] : mistakes) {
    const Outcome o = lathe(arguments);
    EXPECT_EQ(o.exit, exit) << arguments;
    EXPECT_TRUE(o.err.starts_with("lathe: ")) << o.err;
    EXPECT_NE(o.err.find(words), std::string::npos) << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
  }
  EXPECT_NE(lathe("pull org/name", "HF_HUB_OFFLINE=1").err.find("HF_HUB_OFFLINE is set"), std::string::npos);
}

}  // namespace
}  // namespace lathe
