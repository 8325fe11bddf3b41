// Small models that learn, of every family, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/train_model.h"
#include "platform/team.h"
#include "sample/random.h"

namespace lathe::models::testing {

struct TrainCase {
  std::string name;
  TrainConfig config;
};

// Widths that are no multiple of a panel, heads that share keys and heads that do not.
inline std::vector<TrainCase> train_cases() {
  using Family = TrainConfig::Family;
  return {{"llama",
           {.vocabulary = 37,
            .width = 16,
            .layers = 2,
            .heads = 4,
            .kv_heads = 2,
            .head_dim = 4,
            .intermediate = 24,
            .context = 12}},
          {"llama_untied",
           {.vocabulary = 41,
            .width = 18,
            .layers = 3,
            .heads = 3,
            .kv_heads = 3,
            .head_dim = 6,
            .intermediate = 20,
            .context = 12,
            .tied = false}},
          {"qwen3",
           {.family = Family::qwen3,
            .vocabulary = 37,
            .width = 20,
            .layers = 2,
            .heads = 4,
            .kv_heads = 2,
            .head_dim = 8,
            .intermediate = 28,
            .context = 12,
            .eps = 1e-6f,
            .rope_base = 1e6}},
          {"qwen2",
           {.family = Family::qwen2,
            .vocabulary = 35,
            .width = 16,
            .layers = 2,
            .heads = 4,
            .kv_heads = 2,
            .head_dim = 4,
            .intermediate = 24,
            .context = 12,
            .tied = false,
            .eps = 1e-6f,
            .rope_base = 1e6}},
          {"gpt2",
           {.family = Family::gpt2,
            .vocabulary = 39,
            .width = 12,
            .layers = 2,
            .heads = 2,
            .kv_heads = 2,
            .head_dim = 6,
            .intermediate = 48,
            .context = 12}}};
}

// In [-1, 1), the same for a draw everywhere.
inline float noise(uint64_t seed, uint64_t draw) {
  return static_cast<float>(sample::random_bits(seed, draw) >> 40) * 0x1p-23f - 1.0f;
}

// Windows of random tokens; every fifth target is not counted.
struct RandomWindows {
  std::vector<int32_t> inputs, targets;
  int64_t count, length;

  RandomWindows(const TrainConfig& config, int64_t windows, int64_t window, uint64_t seed)
      : count(windows), length(window) {
    const auto vocabulary = static_cast<uint64_t>(config.vocabulary);
    for (int64_t i = 0; i < windows * window; ++i) {
      const auto draw = static_cast<uint64_t>(2 * i);
      inputs.push_back(static_cast<int32_t>(sample::random_below(seed, draw, vocabulary)));
      targets.push_back(i % 5 == 4 ? -1 : static_cast<int32_t>(sample::random_below(seed, draw + 1, vocabulary)));
    }
  }
  operator TrainWindows() const { return {inputs, targets, count, length}; }
};

// A model and its team. The weights are larger than those of a beginning, norms are not 1 and biases not 0, so that no
// gradient is small by accident.
struct TestTrainer {
  std::unique_ptr<Team> team;
  std::unique_ptr<TrainModel> model;

  TestTrainer(const TrainConfig& config, const TrainModel::Options& options, int threads = 1)
      : team(std::move(*Team::create({.threads = threads}))) {
    auto made = TrainModel::create(config, options, *team);
    EXPECT_TRUE(made.ok()) << made.status().message();
    model = std::move(*made);
    model->initialize(7);
    for (const TrainTensor& tensor : model->tensors())
      for (int64_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
        float& w = model->weights()[static_cast<size_t>(i)];
        w = tensor.decay ? 12 * w : w + 0.3f * noise(3, static_cast<uint64_t>(i));
      }
  }

  double backward(const TrainWindows& windows, bool accumulate = false, float scale = 1) {
    const auto loss = model->backward(windows, accumulate, scale);
    EXPECT_TRUE(loss.ok()) << loss.status().message();
    return loss ? *loss : 0;
  }
  double evaluate(const TrainWindows& windows) {
    const auto loss = model->evaluate(windows);
    EXPECT_TRUE(loss.ok()) << loss.status().message();
    return loss ? *loss : 0;
  }
  std::vector<float> gradients() const { return {model->gradients().begin(), model->gradients().end()}; }
  std::vector<float> weights() const { return {model->weights().begin(), model->weights().end()}; }
};

}  // namespace lathe::models::testing
