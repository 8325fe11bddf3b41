#include "models/train_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>
#include <limits>
#include <thread>

#include "models/test_train.h"
#include "models/train_memory.h"

namespace lathe::models {
namespace {

using testing::RandomWindows;
using testing::TestTrainer;
using testing::train_cases;
using testing::TrainCase;

class EveryFamily : public ::testing::TestWithParam<TrainCase> {};
INSTANTIATE_TEST_SUITE_P(TrainModel, EveryFamily, ::testing::ValuesIn(train_cases()),
                         [](const auto& each) { return each.param.name; });

// The derivative of the loss along `direction` (of a tensor), by differences of fourth order.
double derivative(TestTrainer& trainer, const TrainWindows& windows, const TrainTensor& tensor,
                  const std::vector<double>& direction) {
  const std::span<float> w = trainer.model->weights().subspan(static_cast<size_t>(tensor.offset), direction.size());
  const std::vector<float> before(w.begin(), w.end());
  double loss[4], step[4];
  const double steps[] = {-2e-2, -1e-2, 1e-2, 2e-2};
  for (int s = 0; s < 4; ++s) {
    double square = 0;  // of the step as it was rounded
    for (size_t i = 0; i < w.size(); ++i) {
      w[i] = before[i] + static_cast<float>(steps[s] * direction[i]);
      square += (static_cast<double>(w[i]) - before[i]) * direction[i];
    }
    step[s] = square;
    loss[s] = trainer.evaluate(windows);
  }
  std::copy(before.begin(), before.end(), w.begin());
  const double inner = (loss[2] - loss[1]) / (step[2] - step[1]), outer = (loss[3] - loss[0]) / (step[3] - step[0]);
  return (4 * inner - outer) / 3;
}

// Along the gradient itself, and along two random directions, which see what the gradient lacks. A loss in f32
// products is good to about 2e-7, so a difference over 0.02 to about 1e-5.
TEST_P(EveryFamily, GradientsAreThoseOfTheLoss) {
  const TrainConfig& config = GetParam().config;
  TestTrainer trainer(config, {.windows = 2, .length = 11});
  const RandomWindows windows(config, 2, 11, 5);
  trainer.backward(windows);
  const std::vector<float> gradients = trainer.gradients();
  for (const TrainTensor& tensor : trainer.model->tensors()) {
    const auto size = static_cast<size_t>(tensor.size);
    double norm = 0;
    for (size_t i = 0; i < size; ++i) norm += std::pow(gradients[static_cast<size_t>(tensor.offset) + i], 2.0);
    norm = std::sqrt(norm);
    ASSERT_GT(norm, 1e-3) << tensor.name;
    for (uint64_t d = 0; d < 3; ++d) {
      std::vector<double> direction(size);
      double square = 0;
      for (size_t i = 0; i < size; ++i) {
        direction[i] = d == 0 ? gradients[static_cast<size_t>(tensor.offset) + i]
                              : static_cast<double>(testing::noise(100 + d, i));
        square += direction[i] * direction[i];
      }
      double expected = 0;
      for (size_t i = 0; i < size; ++i) {
        direction[i] /= std::sqrt(square);
        expected += direction[i] * gradients[static_cast<size_t>(tensor.offset) + i];
      }
      EXPECT_NEAR(derivative(trainer, windows, tensor, direction), expected, 1e-3 * norm + 2e-5)
          << tensor.name << " along direction " << d;
    }
  }
}

TEST_P(EveryFamily, BitsDoNotDependOnThreadsOrRecomputing) {
  const TrainConfig& config = GetParam().config;
  const RandomWindows windows(config, 3, 9, 11);
  for (const bool bf16 : {false, true}) {
    std::vector<float> expected, updated;
    double loss = 0;
    for (const int threads : {1, 2, 3})
      for (const bool recompute : {false, true}) {
        SCOPED_TRACE(::testing::Message() << threads << " threads, recompute " << recompute << ", bf16 " << bf16);
        TestTrainer trainer(config, {.windows = 3, .length = 12, .recompute = recompute, .bf16 = bf16}, threads);
        const double found = trainer.backward(windows);
        const std::vector<float> gradients = trainer.gradients();
        const double norm = trainer.model->update({.rate = 1e-2}, 1);
        EXPECT_TRUE(std::isfinite(norm));
        if (expected.empty()) {
          expected = gradients;
          updated = trainer.weights();
          loss = found;
        }
        EXPECT_EQ(found, loss);
        EXPECT_EQ(gradients, expected);
        EXPECT_EQ(trainer.weights(), updated);
      }
  }
}

// A rounding to bf16 is 2^-9 of a number in the mean; what a few dozen of them do to a tensor's gradients.
TEST_P(EveryFamily, GradientsOfBf16AreNearThoseOfF32) {
  const TrainConfig& config = GetParam().config;
  const RandomWindows windows(config, 4, 12, 5);
  TestTrainer exact(config, {.windows = 4, .length = 12}, 2),
      rounded(config, {.windows = 4, .length = 12, .bf16 = true}, 2);
  const double loss = exact.backward(windows), found = rounded.backward(windows);
  EXPECT_NE(found, loss);
  EXPECT_NEAR(found, loss, 2e-3 * loss);
  EXPECT_EQ(rounded.evaluate(windows), found);
  const std::vector<float> a = exact.gradients(), b = rounded.gradients();
  for (const TrainTensor& tensor : exact.model->tensors()) {
    double error = 0, norm = 0;
    for (auto i = static_cast<size_t>(tensor.offset); i < static_cast<size_t>(tensor.offset + tensor.size); ++i) {
      error += (a[i] - b[i]) * static_cast<double>(a[i] - b[i]);
      norm += a[i] * static_cast<double>(a[i]);
    }
    EXPECT_LT(std::sqrt(error), 0.05 * std::sqrt(norm) + 1e-7) << tensor.name;
  }
}

// Each pass from 0, and one rounding for each that is added: what another process can do as well.
TEST_P(EveryFamily, GradientsOfPassesAreAddedOnceEach) {
  const TrainConfig& config = GetParam().config;
  for (const int threads : {1, 3}) {
    TestTrainer trainer(config, {.windows = 2, .length = 8, .accumulate = true}, threads);
    const RandomWindows first(config, 2, 8, 1), second(config, 1, 8, 2);
    trainer.backward(second, false, 0.25f);
    const std::vector<float> b = trainer.gradients();
    trainer.backward(first, false, 0.5f);
    const std::vector<float> a = trainer.gradients();
    trainer.backward(second, true, 0.25f);
    std::vector<float> both(a.size());
    for (size_t i = 0; i < a.size(); ++i) both[i] = a[i] + b[i];
    EXPECT_EQ(trainer.gradients(), both);
    ASSERT_TRUE(trainer.model->backward_pass(first, {.scale = 0.5f, .second = true}).ok());
    EXPECT_EQ(std::vector<float>(trainer.model->pass_gradients().begin(), trainer.model->pass_gradients().end()), a);
    EXPECT_EQ(trainer.gradients(), both);
  }
}

TEST_P(EveryFamily, WhatIsSaidToBeFinalIsFinal) {
  const TrainConfig& config = GetParam().config;
  for (const bool recompute : {false, true}) {
    TestTrainer trainer(config, {.windows = 2, .length = 8, .recompute = recompute}, 2);
    const RandomWindows windows(config, 2, 8, 1);
    trainer.backward(windows);
    const std::vector<float> whole = trainer.gradients();
    const auto size = static_cast<int64_t>(whole.size());
    std::ranges::fill(trainer.model->gradients(), std::numeric_limits<float>::quiet_NaN());
    std::atomic<int64_t> final_from{size};
    std::atomic<bool> ended{false};
    // Copies elements as they are said to be final, as a thread that sends them does.
    std::vector<float> seen(whole.size());
    std::thread reader([&] {
      int64_t read = size;
      while (read > 0) {
        const bool last = ended.load();
        const int64_t from = final_from.load(std::memory_order_acquire);
        std::copy(trainer.model->gradients().begin() + from, trainer.model->gradients().begin() + read,
                  seen.begin() + from);
        read = from;
        if (last) return;
        std::this_thread::yield();
      }
    });
    EXPECT_TRUE(trainer.model->backward_pass(windows, {.final_from = &final_from}).ok());
    ended = true;
    reader.join();
    EXPECT_EQ(final_from.load(), 0);
    EXPECT_EQ(seen, whole);
  }
}

TEST(TrainModel, AccumulatingMustBeAskedForBeforehand) {
  const TrainConfig config = train_cases().front().config;
  TestTrainer trainer(config, {.windows = 1, .length = 4});
  EXPECT_FALSE(trainer.model->backward(RandomWindows(config, 1, 4, 1), true, 1).ok());
  EXPECT_TRUE(trainer.model->pass_gradients().empty());
}

TEST_P(EveryFamily, LossFallsAndTheLastLogitsAreThose) {
  const TrainConfig& config = GetParam().config;
  TestTrainer trainer(config, {.windows = 4, .length = 10}, 2);
  const RandomWindows windows(config, 4, 10, 21);
  const double before = trainer.evaluate(windows);
  for (int64_t step = 1; step <= 60; ++step) {
    trainer.backward(windows);
    trainer.model->update({.rate = 1e-2, .decay = 0.01}, step);
  }
  EXPECT_LT(trainer.evaluate(windows), 0.5 * before);

  // The loss of one text whose last target alone is counted, from the logits.
  const std::vector<int32_t> ids(windows.inputs.begin(), windows.inputs.begin() + 7);
  std::vector<int32_t> targets(7, -1);
  targets.back() = 3;
  std::vector<float> logits(static_cast<size_t>(config.vocabulary));
  ASSERT_TRUE(trainer.model->logits(ids, logits).ok());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
  EXPECT_NEAR(trainer.evaluate({ids, targets, 1, 7}), std::log(sum) - logits[3], 1e-5);
}

TEST_P(EveryFamily, PartsOfTheNormAreThoseOfTheirTensors) {
  const TrainConfig& config = GetParam().config;
  TestTrainer trainer(config, {.windows = 2, .length = 9});
  trainer.backward(RandomWindows(config, 2, 9, 5));
  const std::vector<float> gradients = trainer.gradients();
  const double norm = trainer.model->update({.rate = 1e-3}, 1);
  const GradientNorms found = trainer.model->gradient_norms();
  double all = 0, norms = 0;
  std::vector<double> layers(static_cast<size_t>(config.layers));
  for (const TrainTensor& tensor : trainer.model->tensors()) {
    double square = 0;
    for (int64_t i = tensor.offset; i < tensor.offset + tensor.size; ++i)
      square += std::pow(double{gradients[static_cast<size_t>(i)]}, 2);
    all += square;
    if (tensor.name.find("norm") != std::string::npos || tensor.name.find("ln_") != std::string::npos) norms += square;
    for (size_t i = 0; i < layers.size(); ++i)
      layers[i] += tensor.name.find("." + std::to_string(i) + ".") != std::string::npos ? square : 0;
  }
  double parts = 0;
  for (const auto& [part, value] : found.parts) {
    parts += value * value;
    EXPECT_GT(value, 0) << part;
    if (part == "norms") norms -= value * value;
  }
  EXPECT_EQ(found.parts.size(), config.tied ? 4u : 5u);
  EXPECT_NEAR(norms, 0, 1e-6 * norm * norm);
  EXPECT_NEAR(std::sqrt(all), norm, 1e-6 * norm);
  EXPECT_NEAR(std::sqrt(parts), norm, 1e-12 * norm);
  ASSERT_EQ(found.layers.size(), layers.size());
  for (size_t i = 0; i < layers.size(); ++i) EXPECT_NEAR(found.layers[i], std::sqrt(layers[i]), 1e-6 * norm);
}

TEST_P(EveryFamily, RangesAreThoseOfTheResidualStream) {
  const TrainConfig& config = GetParam().config;
  const RandomWindows windows(config, 2, 9, 5);
  std::vector<std::vector<float>> found;
  for (const int threads : {1, 3}) {
    TestTrainer trainer(config, {.windows = 3, .length = 12, .recompute = threads == 3}, threads);
    trainer.backward(windows);
    found.push_back(trainer.model->activation_ranges());
    if (threads > 1) continue;
    // What a NaN in a layer makes of them.
    for (const TrainTensor& tensor : trainer.model->tensors())
      if (tensor.name.ends_with(".1.input_layernorm.weight") || tensor.name.ends_with(".1.ln_1.weight"))
        trainer.model->weights()[static_cast<size_t>(tensor.offset)] = NAN;
    EXPECT_TRUE(std::isnan(trainer.evaluate(windows)));
    const auto broken = trainer.model->activation_ranges();
    EXPECT_EQ(broken[1], found[0][1]);
    EXPECT_TRUE(std::isnan(broken[2]));
  }
  EXPECT_EQ(found[0], found[1]);
  ASSERT_EQ(std::ssize(found[0]), config.layers + 1);
  if (config.family == TrainConfig::Family::gpt2) return;
  TestTrainer trainer(config, {.windows = 1, .length = 1});
  float most = 0;  // of the words' rows, the first tensor
  for (const int32_t id : windows.inputs)
    for (int64_t j = 0; j < config.width; ++j)
      most = std::max(most, std::fabs(trainer.model->weights()[static_cast<size_t>(id * config.width + j)]));
  EXPECT_EQ(found[0][0], most);
}

TEST_P(EveryFamily, MemoryIsWhatIsSaid) {
  TrainConfig config = GetParam().config;
  config.vocabulary = 3000;
  for (const bool recompute : {false, true})
    for (const int threads : {1, 2, 3}) {
      const TrainModel::Options options = {
          .windows = 5, .length = 12, .recompute = recompute, .bf16 = threads == 2, .accumulate = threads == 3};
      const auto said = TrainModel::memory(config, options, threads);
      ASSERT_TRUE(said.ok());
      const TrainLayout layout = train_layout(config);
      const TrainPlans::Rows rows = {60, options.bf16 ? matmul::Type::bf16_b16 : matmul::Type::f32};
      const auto plans = TrainPlans::create(config, layout, rows, threads);
      ASSERT_TRUE(plans.ok());
      const auto memory = TrainMemory::create(config, layout, options, *plans, threads);
      ASSERT_TRUE(memory.ok());
      EXPECT_EQ(memory->bytes(), said->total());
    }
}

// Bytes of this process's address space.
int64_t address_space() {
  std::ifstream statm("/proc/self/statm");
  int64_t pages = 0;
  statm >> pages;
  return pages * 4096;
}

TEST(TrainModel, AddressSpaceGrowsByWhatIsSaid) {
  if (address_space() == 0) GTEST_SKIP() << "the system does not tell";
  const TrainConfig config = *read_train_config("stories260k");
  const TrainModel::Options options = {.windows = 8, .length = 256};
  const auto team = std::move(*Team::create({.threads = 2}));
  const int64_t said = TrainModel::memory(config, options, 2)->total();
  ASSERT_GT(said, 40 << 20);
  const int64_t before = address_space();
  const auto model = TrainModel::create(config, options, *team);
  ASSERT_TRUE(model.ok());
  const int64_t grown = address_space() - before;
  EXPECT_GE(grown, said);
  EXPECT_LE(grown, said + (24 << 20));  // nine buffers in whole pages of 2 MiB, and the vectors
}

TEST(TrainModel, RecomputingKeepsLess) {
  const TrainConfig config = *read_train_config("stories15m");
  const auto kept = TrainModel::memory(config, {.windows = 8, .length = 256}, 2);
  const auto again = TrainModel::memory(config, {.windows = 8, .length = 256, .recompute = true}, 2);
  EXPECT_LT(again->activations, kept->activations / 3);
  EXPECT_EQ(again->weights, kept->weights);
  EXPECT_LE(kept->logits, kLogitBytes);
}

TEST(TrainModel, InitialWeightsAreOfTheSeed) {
  const TrainConfig config = train_cases().front().config;
  const auto one = std::move(*Team::create({.threads = 1})), three = std::move(*Team::create({.threads = 3}));
  const auto a = std::move(*TrainModel::create(config, {.windows = 1, .length = 4}, *one));
  const auto b = std::move(*TrainModel::create(config, {.windows = 1, .length = 4}, *three));
  a->initialize(1234);
  b->initialize(1234);
  EXPECT_TRUE(std::ranges::equal(a->weights(), b->weights()));
  double sum = 0, square = 0;
  const TrainTensor& words = a->tensors().front();
  for (int64_t i = 0; i < words.size; ++i) {
    const double w = static_cast<double>(a->weights()[static_cast<size_t>(i)]);
    sum += w;
    square += w * w;
  }
  const auto n = static_cast<double>(words.size);
  EXPECT_NEAR(sum / n, 0, 4 * 0.02 / std::sqrt(n));
  EXPECT_NEAR(std::sqrt(square / n), 0.02, 0.002);
  b->initialize(1235);
  EXPECT_FALSE(std::ranges::equal(a->weights(), b->weights()));
  for (const TrainTensor& tensor : a->tensors())
    if (!tensor.decay) {
      EXPECT_EQ(a->weights()[static_cast<size_t>(tensor.offset)], 1.0f) << tensor.name;
    }
}

TEST(TrainModel, NothingChangesWhereTheNormIsNotFinite) {
  const TrainConfig config = train_cases().front().config;
  TestTrainer trainer(config, {.windows = 1, .length = 4});
  trainer.backward(RandomWindows(config, 1, 4, 1));
  const std::vector<float> before = trainer.weights();
  trainer.model->gradients()[5] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(std::isfinite(trainer.model->update({.rate = 1}, 1)));
  EXPECT_EQ(trainer.weights(), before);
  EXPECT_EQ(trainer.model->first_moments()[4], 0.0f);
}

TEST(TrainModel, ClippingScalesTheGradients) {
  const TrainConfig config = train_cases().front().config;
  TestTrainer trainer(config, {.windows = 1, .length = 4});
  std::ranges::fill(trainer.model->gradients(), 0.0f);
  trainer.model->gradients()[0] = 3;
  trainer.model->gradients()[1] = 4;
  EXPECT_EQ(trainer.model->update({.rate = 0.1, .beta1 = 0.5, .clip = 1}, 1), 5.0);
  EXPECT_NEAR(trainer.model->first_moments()[1], 0.5 * 4 / 5, 1e-6);
}

// What was in the gradients stays where a call is refused.
TEST(TrainModel, WrongWindowsAreRefused) {
  const TrainConfig config = train_cases().front().config;
  TestTrainer trainer(config, {.windows = 2, .length = 4});
  std::ranges::fill(trainer.model->gradients(), 9.0f);
  const RandomWindows good(config, 2, 4, 1), many(config, 3, 4, 1), longer(config, 1, 5, 1);
  RandomWindows beyond = good, negative = good, target = good, none = good;
  beyond.inputs[3] = static_cast<int32_t>(config.vocabulary);
  negative.inputs[3] = -1;
  target.targets[0] = static_cast<int32_t>(config.vocabulary);
  std::ranges::fill(none.targets, -1);
  const struct {
    TrainWindows windows;
    const char* sentence;
  } cases[] = {{many, "found 3 windows of 4 tokens"},
               {longer, "found 1 windows of 5 tokens"},
               {beyond, "input 3 is 37, needed: below the vocabulary's 37"},
               {negative, "input 3 is -1"},
               {target, "target 0 is 37"},
               {none, "no target"},
               {{good.inputs, good.targets, 1, 4}, "have 8 inputs"}};
  for (const auto& c : cases) {
    const auto loss = trainer.model->backward(c.windows, false, 1);
    ASSERT_FALSE(loss.ok()) << c.sentence;
    EXPECT_NE(loss.status().message().find(c.sentence), std::string::npos) << loss.status().message();
  }
  EXPECT_EQ(trainer.model->gradients()[0], 9.0f);
  std::vector<float> logits(static_cast<size_t>(config.vocabulary));
  EXPECT_FALSE(trainer.model->logits({}, logits).ok());
  EXPECT_FALSE(trainer.model->logits(std::vector<int32_t>(5), logits).ok());
  EXPECT_FALSE(trainer.model->logits(std::vector<int32_t>(2), std::span(logits).first(3)).ok());
}

TEST(TrainModel, WrongSizesAreRefused) {
  const TrainConfig config = train_cases().front().config;
  for (const TrainModel::Options& options : {TrainModel::Options{.windows = 1, .length = 13},
                                             {.windows = 0, .length = 4},
                                             {.windows = 1, .length = 0},
                                             {.windows = std::numeric_limits<int64_t>::max(), .length = 12}})
    EXPECT_FALSE(TrainModel::memory(config, options, 1).ok()) << options.windows << " " << options.length;
}

// The times of a step by op leave nothing out, and its FLOPs are those of the model.
// Of a few tries: a thread that the system interrupts between two marks of the clock has time that nobody accounts for.
TEST(TrainModel, ProfileAccountsForAll) {
  const TrainConfig config = *read_train_config("stories260k");
  TestTrainer trainer(config, {.windows = 4, .length = 64}, 2);
  const RandomWindows windows(config, 4, 64, 3);
  trainer.backward(windows);
  double least = 1;
  for (int i = 0; i < 5 && least > 0.01; ++i) {
    ops::Profile profile;
    trainer.model->set_profile(&profile);
    trainer.backward(windows);
    trainer.model->update({.rate = 1e-3}, 1);
    least = std::min(least, static_cast<double>(profile.unaccounted_ns()) / static_cast<double>(profile.total_ns()));
    double flops = 0;
    for (const auto& entry : profile.entries()) {
      flops += entry.flops;
      EXPECT_STRNE(entry.name, "other");
    }
    EXPECT_NEAR(flops / trainer.model->flops(4, 64), 1, 1e-9);
  }
  EXPECT_LE(least, 0.01);
}

}  // namespace
}  // namespace lathe::models
