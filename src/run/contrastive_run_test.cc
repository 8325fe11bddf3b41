#include "run/contrastive_run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/test_files.h"
#include "formats/checkpoint_manifest.h"
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
