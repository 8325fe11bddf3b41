#include "run/train_run.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/test_files.h"
#include "formats/checkpoint_manifest.h"
#include "run/data_build.h"
#include "run/fake_train_model.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

// Runs of the table of bigrams, with all the files of a real one.
class TrainRunTest : public testing::Test {
 protected:
  TrainRunTest() {
    std::string text;
    for (int i = 0; i < 300; ++i) text += "the quick brown fox " + std::to_string(i % 10) + "\n";
    DataBuildOptions build;
    build.corpus.files = {folder_.write("text.txt", text)};
    build.tokenizer = "chars";
    build.output = folder_.path("data.shard");
    build.threads = 1;
    EXPECT_TRUE(build_data(build).ok());
    folder_.write("model.json",
                  R"({"family":"llama","width":8,"layers":1,"heads":1,"context":16,"intermediate":8,"tied":true})");
  }

  TrainOptions options(const std::string& output) const {
    TrainOptions o;
    o.model = folder_.path("model.json");
    o.data = folder_.path("data.shard");
    if (!output.empty()) o.output = folder_.path(output);
    o.settings = {.steps = 20, .batch = 2, .accum = 2, .lr = 0.05, .eval_every = 4, .save_every = 5};
    o.threads = 1;
    o.measure_ceiling = false;
    o.make_model = make_fake;
    return o;
  }
  TrainOptions resumed(const std::string& from) const {
    TrainOptions o = options("");
    o.model = o.data = "";
    o.resume = folder_.path(from);
    return o;
  }
  static Result<std::unique_ptr<models::TrainModel>> make_fake(const models::TrainConfig& config,
                                                               const models::TrainModel::Options& sizes) {
    return std::unique_ptr<models::TrainModel>(std::make_unique<FakeTrainModel>(config, sizes));
  }
  static Status run(const TrainOptions& o, int64_t stop_after = INT64_MAX) {
    const auto made = TrainRun::open(o);
    if (!made) return made.status();
    int64_t asked = 0;
    const auto end = (*made)->run({.stop = [&] { return asked++ > stop_after; }});
    return end.status();
  }
  std::string bytes(const std::string& name) const {
    const auto text = read_file(folder_.path(name), 1 << 28);
    EXPECT_TRUE(text.ok()) << text.status().message();
    return text.ok() ? *text : "";
  }
  void expect_same_end(const std::string& a, const std::string& b) const {
    for (const char* file : {"model.safetensors", "optimizer.safetensors"})
      EXPECT_EQ(bytes(a + "/step-00000020/" + file), bytes(b + "/step-00000020/" + file)) << file;
    EXPECT_EQ(fs::read_symlink(folder_.path(a + "/best")), fs::read_symlink(folder_.path(b + "/best")));
  }

  FakeFolder folder_{"train_run"};
};

TEST_F(TrainRunTest, LeavesCheckpointsAndLogs) {
  const Status status = run(options("a"));
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(verify_checkpoint(folder_.path("a/step-00000020")).ok());
  EXPECT_TRUE(verify_checkpoint(folder_.path("a/best")).ok());
  EXPECT_FALSE(fs::exists(folder_.path("a/step-00000005")));  // the last two are kept, and the best
  for (const char* file : {"config.json", "tokenizer.json", "tokenizer_config.json", "train.json"})
    EXPECT_TRUE(fs::exists(folder_.path(std::string("a/best/") + file))) << file;
  EXPECT_NE(bytes("a/log.jsonl").find("\"event\":\"end\",\"step\":20,\"reason\":\"finished\""), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_.path("a.lock")));
}

TEST_F(TrainRunTest, GoesOnToTheSameBytes) {
  ASSERT_TRUE(run(options("whole")).ok());
  for (const int64_t stop : {0, 1, 3, 8, 17, 30, 37}) {
    const std::string name = "stopped" + std::to_string(stop);
    ASSERT_TRUE(run(options(name), stop).ok());
    if (RunFolder(folder_.path(name)).steps().empty()) continue;  // before the first step nothing is to be saved
    const Status status = run(resumed(name));
    ASSERT_TRUE(status.ok()) << status.message();
    expect_same_end("whole", name);
  }
}

TEST_F(TrainRunTest, TheCheckpointBeforeADamagedOneIsUsed) {
  ASSERT_TRUE(run(options("whole")).ok());
  ASSERT_TRUE(run(options("a"), 33).ok());
  RunFolder folder(folder_.path("a"));
  const int64_t last = folder.steps().back();
  fs::resize_file(folder.checkpoint_path(last) + "/model.safetensors", 100);
  EXPECT_NE(run(resumed(fs::path(folder.checkpoint_path(last)).lexically_relative(folder_.path()).string()))
                .message()
                .find("is 100 bytes long"),
            std::string::npos);
  const auto made = TrainRun::open(resumed("a"));
  ASSERT_TRUE(made.ok()) << made.status().message();
  ASSERT_EQ((*made)->plan().notes.size(), 1u);
  EXPECT_LT((*made)->plan().state.step, last);
  ASSERT_TRUE((*made)->run({}).ok());
  expect_same_end("whole", "a");
}

TEST_F(TrainRunTest, OneSentenceForWhatIsWrong) {
  const auto refused = [](const TrainOptions& o) { return run(o).message(); };
  TrainOptions none = options("x");
  none.data = "";
  EXPECT_NE(refused(none).find("--data is missing"), std::string::npos);
  TrainOptions text = options("x");
  text.data = folder_.path("text.txt");
  EXPECT_NE(refused(text).find("lathe data build"), std::string::npos);
  TrainOptions small = options("x");
  folder_.write("small.json", R"({"family":"llama","vocabulary":5,"width":8,"layers":1,"heads":1,"context":16})");
  small.model = folder_.path("small.json");
  EXPECT_NE(refused(small).find("needed: at most the 5 of the model"), std::string::npos);
  TrainOptions longer = options("x");
  longer.settings.context = 17;
  EXPECT_NE(refused(longer).find("--context is 17, needed: 1 to 16"), std::string::npos);
  folder_.write("long.json", R"({"family":"llama","width":8,"layers":1,"heads":1,"context":100000})");
  TrainOptions huge = options("x");
  huge.model = folder_.path("long.json");
  EXPECT_NE(refused(huge).find("needed: 100001 for one window"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_.path("x")));

  ASSERT_TRUE(run(options("a"), 20).ok());
  EXPECT_NE(refused(options("a")).find("--resume"), std::string::npos);
  TrainOptions other = resumed("a");
  other.settings.batch = 16;
  other.given = {"batch"};
  EXPECT_NE(refused(other).find("--batch is 16, needed: 2, as the checkpoint"), std::string::npos);
  TrainOptions model = resumed("a");
  model.model = folder_.path("small.json");
  EXPECT_NE(refused(model).find("another configuration"), std::string::npos);
  EXPECT_NE(refused(resumed("nowhere")).find("no such run"), std::string::npos);
  fs::create_directory(folder_.path("empty"));
  EXPECT_NE(refused(resumed("empty")).find("holds no checkpoint"), std::string::npos);
  folder_.write("text.txt", "other text with more words in it than any window has");
  DataBuildOptions build;
  build.corpus.files = {folder_.path("text.txt")};
  build.tokenizer = "chars";
  build.output = folder_.path("data.shard");
  ASSERT_TRUE(build_data(build).ok());
  EXPECT_NE(refused(resumed("a")).find("is other data than the checkpoint"), std::string::npos);
}

TEST_F(TrainRunTest, FurtherStepsAndNewBranches) {
  ASSERT_TRUE(run(options("a")).ok());
  EXPECT_NE(run(resumed("a")).message().find("--steps is 20, needed: more than the 20"), std::string::npos);
  TrainOptions on = resumed("a");
  on.settings.steps = 24;
  on.given = {"steps"};
  ASSERT_TRUE(run(on).ok());
  EXPECT_TRUE(verify_checkpoint(folder_.path("a/step-00000024")).ok());
  TrainOptions branch = resumed("a/step-00000020");
  branch.settings.steps = 22;
  branch.given = {"steps"};
  EXPECT_NE(run(branch).message().find("has gone on to step 24"), std::string::npos);
  branch.output = folder_.path("b");
  const Status status = run(branch);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(verify_checkpoint(folder_.path("b/step-00000022")).ok());
}

TEST_F(TrainRunTest, ASecondWriterIsRefused) {
  const auto first = TrainRun::open(options("a"));
  ASSERT_TRUE(first.ok());
  Status second;
  int64_t asked = 0;
  const auto stop = [&] {
    if (asked++ == 2) second = run(options("a"));
    return asked > 10;
  };
  ASSERT_TRUE((*first)->run({.stop = stop}).ok());
  EXPECT_NE(second.message().find("another process is writing it"), std::string::npos) << second.message();
}

}  // namespace
}  // namespace lathe::run
