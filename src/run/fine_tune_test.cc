// A model that training made, through every kind of file and back into training; what training has nothing for; and a
// real model's loss where its data is at hand.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/test_files.h"
#include "models/open_decoder.h"
#include "models/test_decoder.h"
#include "models/test_train.h"
#include "run/checkpoint.h"
#include "run/data_build.h"
#include "run/hf_folder.h"
#include "run/init_model.h"
#include "run/llama2c_export.h"
#include "run/perplexity.h"
#include "run/quantize.h"
#include "run/tokenizer_files.h"
#include "run/train_run.h"

namespace lathe::run {
namespace {

using models::Pretrained;
using models::TrainConfig;
using models::testing::TestTrainer;
using models::testing::TrainCase;

Result<Pretrained> open_pretrained(const std::string& path) {
  const auto files = resolve_run_or_model(path, "");
  if (!files) return files.status();
  return Pretrained::open(*files);
}

class FineTune : public testing::TestWithParam<TrainCase> {
 protected:
  FineTune() {
    CheckpointHead head;
    head.config = GetParam().config;
    EXPECT_TRUE(resolve(head.settings, head.config.context).ok());
    const Status saved = save_checkpoint(checkpoint_, head, *trained_.model);
    EXPECT_TRUE(saved.ok()) << saved.message();
  }

  void expect_same(const std::string& path) {
    const auto found = open_pretrained(path);
    ASSERT_TRUE(found.ok()) << found.status().message();
    EXPECT_EQ(models::train_config_json(found->config), models::train_config_json(GetParam().config));
    TestTrainer other(found->config, {.windows = 1, .length = 4});
    const Status read = read_pretrained(*found, 2, other.model->weights());
    ASSERT_TRUE(read.ok()) << read.message();
    EXPECT_EQ(other.weights(), trained_.weights());
  }

  FakeFolder folder_{"fine_tune_" + GetParam().name};
  TestTrainer trained_{GetParam().config, {.windows = 1, .length = 4}};
  std::string checkpoint_ = folder_.path("step-00000001");
};

TEST_P(FineTune, TheWeightsComeBackFromEveryKindOfFile) {
  const auto family = GetParam().config.family;
  expect_same(checkpoint_);
  const auto gguf = quantize({.model = checkpoint_, .hub = {}, .output = folder_.path("m.gguf"), .types = {}});
  ASSERT_TRUE(gguf.ok()) << gguf.status().message();
  expect_same(folder_.path("m.gguf"));
  if (family == TrainConfig::Family::llama) {
    const auto written = export_llama2c({.model = checkpoint_, .output = folder_.path("m.bin")});
    ASSERT_TRUE(written.ok()) << written.status().message();
    expect_same(folder_.path("m.bin"));
  }
}

// What `lathe generate` makes of a model that is on the disk.
std::vector<float> answers_of(const std::string& path) {
  const auto files = resolve_run_or_model(path, "");
  const auto opened = files ? models::DecoderFiles::open(*files) : files.status();
  EXPECT_TRUE(opened.ok()) << opened.status().message();
  const auto team = Team::create({.threads = 1});
  const auto decoder = opened ? opened->bind(matmul::Type::f32, **team) : opened.status();
  EXPECT_TRUE(decoder.ok()) << decoder.status().message();
  return decoder ? models::testing::run_alone(**decoder, models::testing::random_ids(4, 35, 3), 4)
                 : std::vector<float>();
}

TEST_P(FineTune, ItAnswersAsItWasTrainedFromEveryKindOfFile) {
  const auto ids = models::testing::random_ids(4, 35, 3);
  std::vector<float> expected(static_cast<size_t>(GetParam().config.vocabulary));
  ASSERT_TRUE(trained_.model->logits(ids, expected).ok());
  const auto gguf = quantize({.model = checkpoint_, .hub = {}, .output = folder_.path("m.gguf"), .types = {}});
  ASSERT_TRUE(gguf.ok()) << gguf.status().message();
  const auto back =
      write_hugging_face({.model = folder_.path("m.gguf"), .hub = {}, .output = folder_.path("back"), .type = {}});
  ASSERT_TRUE(back.ok()) << back.status().message();
  for (const char* file : {"step-00000001", "m.gguf", "back"}) {
    const auto found = answers_of(folder_.path(file));
    ASSERT_EQ(found.size(), ids.size() * expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(found[found.size() - expected.size() + i], expected[i], 1e-4) << file << ", logit " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, FineTune, testing::ValuesIn(models::testing::train_cases()),
                         [](const auto& test) { return test.param.name; });

// The sentence for a checkpoint whose config.json says `to` where it said `from`.
std::string refusal(const std::string& family, const std::string& from, const std::string& to) {
  const FakeFolder folder("fine_tune_refused");
  for (const TrainCase& each : models::testing::train_cases()) {
    if (each.name != family) continue;
    CheckpointHead head;
    head.config = each.config;
    EXPECT_TRUE(resolve(head.settings, head.config.context).ok());
    EXPECT_TRUE(save_checkpoint(folder.path("m"), head, *TestTrainer(each.config, {1, 4}).model).ok());
  }
  std::string config = *read_file(folder.path("m/config.json"), 1 << 20);
  const size_t at = config.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  folder.write("m/config.json", config.replace(at, from.size(), to));
  return open_pretrained(folder.path("m")).status().message();
}

TEST(FineTuneRefuses, WhatTrainingHasNothingForByItsField) {
  const auto expect = [](const std::string& sentence, const char* field) {
    EXPECT_NE(sentence.find(field), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("needed"), std::string::npos) << sentence;
  };
  const char* const kScaling = R"("rope_scaling": {"rope_type": "linear", "factor": 2})";
  expect(refusal("llama", "\"rope_scaling\": null", kScaling), "rope_scaling");
  expect(refusal("llama", "{", R"({"sliding_window": 8, "use_sliding_window": true, "max_window_layers": 0,)"),
         "sliding_window");
  expect(refusal("llama", "\"model_type\": \"llama\"", "\"model_type\": \"smollm3\", \"no_rope_layers\": [1, 0]"),
         "no_rope_layers");
  expect(refusal("llama", "\"model_type\": \"llama\"", "\"model_type\": \"mixtral\""), "mixtral");
  expect(refusal("llama", "\"silu\"", "\"gelu_pytorch_tanh\""), "hidden_act");
  expect(refusal("llama", "\"attention_bias\": false", "\"attention_bias\": true"), "attention_bias");
  expect(refusal("gpt2", "gelu_new", "relu"), "activation_function");
  expect(refusal("gpt2", "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false"), "tied");
  expect(refusal("gpt2", "{", R"({"scale_attn_by_inverse_layer_idx": true,)"), "scale_attn_by_inverse_layer_idx");
  expect(refusal("llama", "\"hidden_size\": 16", "\"hidden_size\": 32"), "needed");
}

// Runs of a model of a few thousand weights on characters.
class FineTuneRun : public testing::Test {
 protected:
  FineTuneRun() {
    folder_.write("model.json", R"({"family": "llama", "width": 16, "layers": 1, "heads": 2, "context": 32})");
    build("data.shard", "one two three ");
    TrainOptions first = options("first", "data.shard");
    first.model = folder_.path("model.json");
    EXPECT_TRUE(run(first).ok());
  }
  void build(const std::string& name, const std::string& words) const {
    std::string text;
    for (int i = 0; i < 400; ++i) text += words + std::to_string(i % 7) + "\n";
    DataBuildOptions build;
    build.corpus.files = {folder_.write("text.txt", text)};
    build.tokenizer = "chars";
    build.output = folder_.path(name);
    EXPECT_TRUE(build_data(build).ok());
  }
  TrainOptions options(const std::string& output, const std::string& data) const {
    TrainOptions o;
    o.data = folder_.path(data);
    o.output = folder_.path(output);
    o.settings = {.steps = 60, .batch = 4, .lr = 1e-2, .eval_every = 60};
    o.threads = 1;
    o.measure_ceiling = false;
    return o;
  }
  // The losses of the steps.
  Result<std::vector<double>> run(const TrainOptions& o) const {
    const auto made = TrainRun::open(o);
    if (!made) return made.status();
    std::vector<double> losses;
    const auto end = (*made)->run({.watch = [&](const TrainEvent& event) {
      if (event.kind == TrainEvent::Kind::step) losses.push_back(event.loss);
    }});
    if (!end) return end.status();
    return losses;
  }

  FakeFolder folder_{"fine_tune_run"};
};

TEST_F(FineTuneRun, BeginsWhereTheModelHadCome) {
  TrainOptions again = options("again", "data.shard");
  again.init = folder_.path("first");  // a run: its best checkpoint
  again.settings.lr = 1e-4;
  const auto losses = run(again);
  ASSERT_TRUE(losses.ok()) << losses.status().message();
  EXPECT_LT(losses->front(), 1.5);  // of 17 characters, which are worth 2.8 to who knows nothing
  EXPECT_TRUE(std::filesystem::exists(folder_.path("again/best/tokenizer.json")));
  const auto log = read_file(folder_.path("again/log.jsonl"), 1 << 20);
  EXPECT_NE(log->find("\"init\":\"" + folder_.path("first/")), std::string::npos);
}

TEST_F(FineTuneRun, DataOfAnotherVocabularyAreRefusedAndBothNamed) {
  build("other.shard", "six ten ");
  TrainOptions other = options("x", "other.shard");
  other.init = folder_.path("first");
  const std::string sentence = run(other).status().message();
  for (const char* needed : {"other.shard: token ", "/first", "needed: data of the model's vocabulary"})
    EXPECT_NE(sentence.find(needed), std::string::npos) << sentence;
  other.model = "stories260k";
  EXPECT_NE(run(other).status().message().find("--init and --model are both given"), std::string::npos);
}

TEST(FineTuneStories, TheLossIsThatOfThePerplexityAndSmall) {
  const std::string model = test_data("llama2c/stories260K.bin");
  if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is absent";
  const auto pretrained = open_pretrained(model);
  ASSERT_TRUE(pretrained.ok()) << pretrained.status().message();
  constexpr int64_t kLength = 64, kWindows = 3;
  TestTrainer trainer(pretrained->config, {.windows = kWindows, .length = kLength - 1});
  ASSERT_TRUE(read_pretrained(*pretrained, 2, trainer.model->weights()).ok());

  const auto tokenizer = tokenizer_of(*read_tokenizer_files(model), model);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  const auto text = read_file(test_data("llama2c/stories260K_t0_n200.stdout.txt"), 1 << 20);
  std::vector<int32_t> ids = tokenizer->encode(*text, {.add_special = false})->ids;
  ids.insert(ids.begin(), 1);
  ASSERT_GE(std::ssize(ids), kWindows * kLength);
  ids.resize(kWindows * kLength);

  std::vector<int32_t> inputs, targets;
  for (int64_t i = 0; i < kWindows * kLength; ++i) {
    if (i % kLength + 1 < kLength) inputs.push_back(ids[static_cast<size_t>(i)]);
    if (i % kLength > 0) targets.push_back(ids[static_cast<size_t>(i)]);
  }
  const double loss = trainer.evaluate({inputs, targets, kWindows, kLength - 1});
  GeneratorOptions options;
  options.model = model;
  options.stored = matmul::Type::f32;
  options.cache_type = ops::KvType::f32;
  const auto generator = Generator::open(options);
  ASSERT_TRUE(generator.ok()) << generator.status().message();
  // Windows side by side, each token scored in the only one that has it: those that a window begins with are not.
  const auto expected = perplexity(**generator, ids, {.context = kLength, .stride = kLength});
  ASSERT_TRUE(expected.ok()) << expected.status().message();
  EXPECT_EQ(expected->scored, kWindows * (kLength - 1));
  EXPECT_NEAR(loss, expected->mean, 1e-4);
  EXPECT_LT(loss, 1.5);
  std::printf("loss %.7f, perplexity's mean %.7f\n", loss, expected->mean);
}

}  // namespace
}  // namespace lathe::run
