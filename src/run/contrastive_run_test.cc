#include "run/contrastive_run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/test_files.h"
#include "formats/checkpoint_manifest.h"
#include "run/checkpoint.h"
#include "run/embedder.h"
#include "run/quantize.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

constexpr int kTopics = 12;

// Sentences of a topic have words of their own among words that all have.
class ContrastiveRunTest : public testing::Test {
 protected:
  ContrastiveRunTest() {
    std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\nof\n";
    std::string pairs;
    for (int topic = 0; topic < kTopics; ++topic) {
      const std::string t(1, static_cast<char>('a' + topic));
      vocabulary += "x" + t + "\ny" + t + "\n";
      for (const char* other : {"the", "of", "of the"}) pairs += "the x" + t + "\ty" + t + " " + other + "\n";
    }
    folder_.write("vocab.txt", vocabulary);
    folder_.write("pairs.tsv", pairs);
    folder_.write("model.json", R"({"family": "bert", "width": 32, "layers": 1, "heads": 2, "context": 16})");
  }
  ContrastiveOptions options(const std::string& output) const {
    ContrastiveOptions o;
    o.pairs = o.validation_pairs = folder_.path("pairs.tsv");
    o.model = folder_.path("model.json");
    o.tokenizer = folder_.path("vocab.txt");
    o.output = folder_.path(output);
    o.settings.steps = 60;
    o.settings.batch = 12;
    o.settings.lr = 5e-3;
    o.settings.eval_every = o.settings.save_every = 30;
    o.given = {"steps", "batch", "lr"};
    o.threads = 1;
    o.measure_ceiling = false;
    return o;
  }
  static void train(const ContrastiveOptions& options) {
    const auto run = ContrastiveRun::open(options);
    ASSERT_TRUE(run.ok()) << run.status().message();
    const auto end = (*run)->run({});
    ASSERT_TRUE(end.ok()) << end.status().message();
    EXPECT_EQ(*end, ContrastiveTrainer::End::finished);
  }
  static void stop_after(const ContrastiveOptions& options, int64_t passes) {
    const auto run = ContrastiveRun::open(options);
    ASSERT_TRUE(run.ok()) << run.status().message();
    int64_t asked = 0;
    const auto end = (*run)->run({.stop = [&] { return asked++ > passes; }});
    ASSERT_TRUE(end.ok()) << end.status().message();
    EXPECT_EQ(*end, ContrastiveTrainer::End::stopped);
  }
  ContrastiveOptions resumed(const std::string& run, int threads) const {
    ContrastiveOptions o;
    o.resume = folder_.path(run);
    o.threads = threads;
    o.measure_ceiling = false;
    return o;
  }
  void expect_same_files(const std::string& a, const std::string& b) const {
    int64_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path(a))) {
      if (!entry.is_regular_file()) continue;
      const std::string name = entry.path().lexically_relative(folder_.path(a)).string();
      const auto first = read_file(entry.path().string(), 1 << 24);
      const auto second = read_file(folder_.path(b) + "/" + name, 1 << 24);
      ASSERT_TRUE(first.ok() && second.ok()) << name;
      EXPECT_EQ(*first, *second) << name;
      ++files;
    }
    EXPECT_GE(files, 10);
  }
  static std::string error(const ContrastiveOptions& options) {
    const auto run = ContrastiveRun::open(options);
    return run ? "" : run.status().message();
  }
  static std::vector<std::vector<float>> embed(const std::string& model, std::vector<std::string_view> texts) {
    auto embedder = Embedder::open({.model = model, .threads = 1});
    EXPECT_TRUE(embedder.ok()) << embedder.status().message();
    std::vector<std::vector<float>> vectors;
    if (!embedder) return vectors;
    const Status status = embedder->embed(texts, [&](const Embedding& e) {
      vectors.emplace_back(e.vector.begin(), e.vector.end());
      return Status();
    });
    EXPECT_TRUE(status.ok()) << status.message();
    return vectors;
  }
  static double cosine(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
    return sum;
  }

  FakeFolder folder_{"contrastive_run"};
};

TEST_F(ContrastiveRunTest, LearnsPairsAndTheEmbedderOpensItAsFolderAndAsGguf) {
  train(options("run"));
  const std::string best = folder_.path("run/best");
  ASSERT_TRUE(verify_checkpoint(fs::canonical(best).string()).ok());
  const auto vectors = embed(best, {"the xa", "ya of", "yb of", "the xb"});
  ASSERT_EQ(vectors.size(), 4u);
  EXPECT_NEAR(cosine(vectors[0], vectors[0]), 1, 1e-6);
  EXPECT_GT(cosine(vectors[0], vectors[1]), cosine(vectors[0], vectors[2]) + 0.2);
  EXPECT_GT(cosine(vectors[3], vectors[2]), cosine(vectors[3], vectors[1]) + 0.2);
  const auto log = read_file(folder_.path("run/log.jsonl"), 1 << 20);
  ASSERT_TRUE(log.ok());
  EXPECT_NE(log->find("\"recall_at_1\":"), std::string::npos);

  const std::string gguf = folder_.path("model.gguf");
  const auto report = quantize({.model = best, .output = gguf, .types = {.type = DType::f32}, .threads = 1});
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(embed(gguf, {"the xa", "ya of", "yb of", "the xb"}), vectors);
}

TEST_F(ContrastiveRunTest, WeightsAreTheSameWithAnyNumberOfThreads) {
  train(options("one"));
  ContrastiveOptions two = options("two");
  two.threads = 2;
  train(two);
  const auto weights = [&](const char* run) {
    return *read_file(folder_.path(std::string(run) + "/step-00000060/model.safetensors"), 1 << 24);
  };
  EXPECT_EQ(weights("one"), weights("two"));
}

TEST_F(ContrastiveRunTest, GoesOnFromAModel) {
  train(options("run"));
  ContrastiveOptions on = options("on");
  on.model = on.tokenizer = "";
  on.init = folder_.path("run/best");
  on.settings.steps = 1;
  on.settings.lr = 1e-9;
  train(on);
  const auto before = embed(on.init, {"the xa of"}), after = embed(folder_.path("on/best"), {"the xa of"});
  EXPECT_NEAR(cosine(before[0], after[0]), 1, 1e-5);
}

// Stopped anywhere, inside an accumulation too, and gone on with by another number of threads: every file of the last
// checkpoint is that of a run that never stopped.
TEST_F(ContrastiveRunTest, GoesOnToTheSameBytes) {
  const auto made = [&](const std::string& output) {
    ContrastiveOptions o = options(output);
    o.validation_pairs = "";
    o.validation = 0.25;
    o.settings.steps = 20;
    o.settings.batch = 7;  // epochs end within passes
    o.settings.accum = 2;
    o.settings.eval_every = 4;
    o.settings.save_every = 5;
    return o;
  };
  train(made("whole"));
  for (const int64_t stop : {3, 17, 30}) {
    const std::string name = "stopped" + std::to_string(stop);
    stop_after(made(name), stop);
    train(resumed(name, 2));
    expect_same_files("whole/step-00000020", name + "/step-00000020");
    EXPECT_EQ(fs::read_symlink(folder_.path("whole/best")), fs::read_symlink(folder_.path(name + "/best")));
  }
}

TEST_F(ContrastiveRunTest, TheCheckpointBeforeADamagedOneIsUsed) {
  train(options("whole"));
  train(options("run"));
  fs::resize_file(folder_.path("run/step-00000060/optimizer.safetensors"), 100);
  const auto run = ContrastiveRun::open(resumed("run", 1));
  ASSERT_TRUE(run.ok()) << run.status().message();
  EXPECT_EQ((*run)->plan().state.step, 30);
  ASSERT_EQ((*run)->plan().notes.size(), 1u);
  ASSERT_TRUE((*run)->run({}).ok());
  expect_same_files("whole/step-00000060", "run/step-00000060");
}

TEST_F(ContrastiveRunTest, OtherPairsSettingsAndModelsThanTheCheckpointsAreRefused) {
  ContrastiveOptions o = options("run");
  o.settings.steps = 4;
  train(o);
  EXPECT_TRUE(holds_pairs_run(folder_.path("run")));
  EXPECT_TRUE(holds_pairs_run(folder_.path("run/best")));
  EXPECT_FALSE(holds_pairs_run(folder_.path("none")));
  EXPECT_NE(error(resumed("run", 1)).find("--steps is 4, needed: more than the 4"), std::string::npos);
  const auto on = [&] {
    ContrastiveOptions more = resumed("run", 1);
    more.settings.steps = 8;
    more.given = {"steps"};
    return more;
  };
  EXPECT_EQ(error(on()), "");
  o = on();
  o.settings.batch = 6;
  o.given.insert("batch");
  EXPECT_NE(error(o).find("--batch is 6, needed: 12, as the checkpoint"), std::string::npos);
  o = on();
  o.temperature = 0.1;
  o.given.insert("temperature");
  EXPECT_NE(error(o).find("--temperature is 0.1, needed: 0.05, as the checkpoint"), std::string::npos);
  o = on();
  o.pairs = folder_.write("other.tsv", "the xa\tya of\nthe xb\tyb of\n");
  EXPECT_NE(error(o).find("is other data than the checkpoint"), std::string::npos);
  o = on();
  o.model = folder_.path("model.json");
  EXPECT_EQ(error(o), "");
  o.model = folder_.write("deep.json", R"({"family": "bert", "width": 32, "layers": 2, "heads": 2, "context": 16})");
  EXPECT_NE(error(o).find("which is another configuration than that of"), std::string::npos);
  o = on();
  o.init = folder_.path("run/best");
  EXPECT_NE(error(o).find("--init and --resume are both given"), std::string::npos);
  const std::string decoder = R"({"version": 1, "model": {}})";
  EXPECT_NE(parse_pairs_head(decoder, "f").status().message().find("is the checkpoint of a decoder"),
            std::string::npos);
  EXPECT_NE(parse_checkpoint_head(pairs_head_text({}), "f").status().message().find("of a run on pairs of texts"),
            std::string::npos);
}

TEST_F(ContrastiveRunTest, PairsAreSplitWhereNoneAreNamed) {
  ContrastiveOptions o = options("run");
  o.validation_pairs = "";
  o.validation = 0.25;
  const auto run = ContrastiveRun::open(o);
  ASSERT_TRUE(run.ok()) << run.status().message();
  EXPECT_EQ((*run)->plan().train_pairs, 27);
  EXPECT_EQ((*run)->plan().validation_pairs, 9);
}

TEST_F(ContrastiveRunTest, MistakesAreOneSentence) {
  ContrastiveOptions o = options("run");
  o.settings.batch = 1;
  EXPECT_EQ(error(o), "--batch is 1, needed: 2 pairs or more, as the others' texts are the wrong answers");
  o.settings.batch = 40;
  EXPECT_EQ(error(o), "--batch is 40, needed: at most the 36 pairs that there are to train on");
  o = options("run");
  o.temperature = 0;
  EXPECT_EQ(error(o), "--temperature is 0, needed: more than 0, at most 100");
  o = options("run");
  o.tokenizer = "";
  EXPECT_NE(error(o).find("--tokenizer is missing"), std::string::npos);
  o = options("run");
  o.init = "somewhere";
  EXPECT_NE(error(o).find("needed: either --init, or --model and --tokenizer"), std::string::npos);
  o = options("run");
  folder_.write("wide.json", R"({"family": "bert", "width": 33, "layers": 1, "heads": 2, "context": 16})");
  o.model = folder_.path("wide.json");
  EXPECT_NE(error(o).find("width is 33 and heads is 2, needed: a width that heads divide"), std::string::npos);
  folder_.write("odd.json", R"({"family": "bert", "width": 32, "layer": 1})");
  o.model = folder_.path("odd.json");
  EXPECT_NE(error(o).find("the field 'layer' is none of family, width"), std::string::npos);
}

}  // namespace
}  // namespace lathe::run
