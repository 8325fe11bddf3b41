// lathe data, train, report and export as a user runs them, with a model of a few thousand weights.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "shell.h"

namespace lathe::cli {
namespace {

namespace fs = std::filesystem;

class TrainCommand : public testing::Test {
 protected:
  TrainCommand() {
    std::string text;
    for (int i = 0; i < 400; ++i) text += "one two three " + std::to_string(i % 7) + "\n";
    folder_.write("text.txt", text);
    folder_.write("model.json", R"({"family": "llama", "width": 16, "layers": 1, "heads": 2, "context": 32})");
    const auto built = run_lathe("data build " + folder_.path("text.txt") + " -o " + shard_ + " --tokenizer chars");
    EXPECT_EQ(built.exit, 0) << built.err;
  }
  Outcome train(const std::string& options) const {
    return run_lathe("train --threads 1 --no-ceiling --model " + folder_.path("model.json") + " --data " + shard_ +
                     " " + options);
  }

  FakeFolder folder_{"train_command"};
  std::string shard_ = folder_.path("data.shard"), run_ = folder_.path("run");
};

TEST_F(TrainCommand, TrainsReportsAndExports) {
  const auto trained = train("-o " + run_ + " --steps 20 --batch 2 --sample-every 20 --sample-tokens 5 --prompt one");
  ASSERT_EQ(trained.exit, 0) << trained.err;
  EXPECT_EQ(trained.err, "");
  for (const char* needed :
       {"parameters", "memory ", "step 20/20  loss", "validation loss", "sample:\none", "finished;"})
    EXPECT_NE(trained.out.find(needed), std::string::npos) << needed << "\n" << trained.out;
  EXPECT_EQ(trained.out.find('\033'), std::string::npos);  // no terminal, no drawing

  const auto text = run_lathe("generate -m " + run_ + "/best one -n 4 --threads 1");
  EXPECT_EQ(text.exit, 0) << text.err;
  const auto report = run_lathe("report " + run_);
  EXPECT_EQ(report.exit, 0) << report.err;
  EXPECT_NE(read_all(run_ + "/report.html").find("\"columns\""), std::string::npos);
  const std::string gguf = folder_.path("m.gguf"), llama2c = folder_.path("m.bin"), hf = folder_.path("hf");
  for (const std::string& output : {gguf, llama2c, hf})
    EXPECT_EQ(run_lathe("export " + run_ + " " + output).exit, 0) << output;
  EXPECT_FALSE(fs::exists(hf + "/optimizer.safetensors"));
  const auto folder_text = run_lathe("generate -m " + hf + " one -n 8 --threads 1");
  const auto gguf_text = run_lathe("generate -m " + gguf + " one -n 8 --threads 1");
  EXPECT_EQ(folder_text.out, gguf_text.out);
}

TEST_F(TrainCommand, ASignalSavesAndResumeGoesOn) {
  const std::string binary = LATHE_BINARY;
  // The signal comes once the first checkpoint is there.
  const auto stopped =
      shell(binary + " train --threads 1 --no-ceiling --model " + folder_.path("model.json") + " --data " + shard_ +
            " -o " + run_ + " --steps 1000000 --save-every 5 & process=$!; " + "until ls " + run_ + "/step-* >" +
            folder_.path("ls") + " 2>&1; do sleep 0.05; done; " + "kill -TERM $process; wait $process");
  EXPECT_EQ(stopped.exit, 1);
  EXPECT_NE(stopped.out.find("stopped; go on with: lathe train --resume"), std::string::npos) << stopped.out;
  EXPECT_NE(stopped.err.find("the state is saved"), std::string::npos) << stopped.err;
  const auto dry = run_lathe("train --dry-run --resume " + run_);
  EXPECT_EQ(dry.exit, 0) << dry.err;
  EXPECT_NE(dry.out.find(", from "), std::string::npos);
}

TEST_F(TrainCommand, AFullDiskKeepsTheCheckpointsAndSaysSo) {
  ASSERT_EQ(train("-o " + run_ + " --steps 5 --batch 2 --save-every 5 --eval-every 5").exit, 0);
  // No file may be longer than 8 blocks of 512 bytes: what the limit cuts is a write that fails, as on a full disk.
  const auto full = shell("(trap '' XFSZ; ulimit -f 8; \"" LATHE_BINARY "\" train --threads 1 --no-ceiling --resume " +
                          run_ + " --steps 10)");
  EXPECT_EQ(full.exit, 1);
  EXPECT_NE(full.err.find("the checkpoints before it are kept"), std::string::npos) << full.err;
  EXPECT_TRUE(fs::exists(run_ + "/step-00000005/COMPLETE"));
  EXPECT_EQ(run_lathe("train --dry-run --steps 10 --resume " + run_).exit, 0);
}

TEST_F(TrainCommand, LearnsFromPairsOfTexts) {
  std::string pairs;
  for (const char* line : {"one\ttwo one", "two\tone", "three\tthree two", "one two\tthree one"})
    pairs += std::string(line) + "\n";
  folder_.write("pairs.tsv", pairs);
  folder_.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\none\ntwo\nthree\n");
  folder_.write("encoder.json", R"({"family": "bert", "width": 16, "layers": 1, "heads": 2, "context": 8})");
  const std::string command = "train --threads 1 --no-ceiling --contrastive " + folder_.path("pairs.tsv") +
                              " --model " + folder_.path("encoder.json") + " --tokenizer " + folder_.path("vocab.txt") +
                              " -o " + run_;
  const auto trained = run_lathe(command + " --batch 2 --steps 4 --validation 0.5");
  ASSERT_EQ(trained.exit, 0) << trained.err;
  for (const char* needed : {"pairs: 2 to train on, 2 to validate on", "recall@1", "finished; try it: lathe embed -m "})
    EXPECT_NE(trained.out.find(needed), std::string::npos) << needed << "\n" << trained.out;
  const auto vector = run_lathe("embed -m " + run_ + "/best one --threads 1");
  EXPECT_EQ(vector.exit, 0) << vector.err;
  EXPECT_NE(run_lathe(command + " --batch 2").err.find("holds a run that came to step 4, needed: a new folder"),
            std::string::npos);
  EXPECT_NE(run_lathe(command + " --data " + shard_).err.find("--data is given with --contrastive"), std::string::npos);
  const auto on = run_lathe("train --threads 1 --no-ceiling --steps 6 --resume " + run_);
  EXPECT_EQ(on.exit, 0) << on.err;
  EXPECT_NE(on.out.find("at step 4"), std::string::npos) << on.out;
  EXPECT_TRUE(fs::exists(run_ + "/step-00000006/COMPLETE"));
}

TEST(DefaultEncoder, EmbedsAndSaysSo) {
  const auto vector = run_lathe("embed --threads 1 one");
  EXPECT_EQ(vector.exit, 0) << vector.err;
  EXPECT_NE(vector.err.find("no -m, so the model that comes with lathe is used"), std::string::npos) << vector.err;
}

TEST_F(TrainCommand, MistakesAreOneSentence) {
  const auto missing = run_lathe("train --model stories260k -o " + run_);
  EXPECT_EQ(missing.exit, 2);
  EXPECT_NE(missing.err.find("--data is missing"), std::string::npos);
  EXPECT_NE(train("-o " + run_ + " --schedule steep").err.find("needed: cosine, linear or constant"),
            std::string::npos);
  EXPECT_NE(run_lathe("report " + folder_.path()).err.find("a folder that 'lathe train' wrote"), std::string::npos);
  EXPECT_NE(run_lathe("export " + folder_.path("none") + " x").err.find("no such run or checkpoint"),
            std::string::npos);
}

}  // namespace
}  // namespace lathe::cli
