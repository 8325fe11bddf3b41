// A model that learns, small enough to be checked by hand: a table of bigrams. The logits behind a token are its row;
// the gradient is exact.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "models/train_model.h"
#include "sample/random.h"

namespace lathe::run {

class FakeTrainModel final : public models::TrainModel {
 public:
  FakeTrainModel(const models::TrainConfig& config, const Options& options)
      : config_(config), options_(options), size_(static_cast<size_t>(config.vocabulary * config.vocabulary)) {
    tensors_ = {{"bigrams.weight", {config.vocabulary, config.vocabulary}, 0, static_cast<int64_t>(size_), true}};
    for (auto* flat : {&weights_, &gradients_, &pass_, &first_, &second_}) flat->assign(size_, 0.0f);
  }

  const models::TrainConfig& config() const override { return config_; }
  std::span<const models::TrainTensor> tensors() const override { return tensors_; }
  std::span<float> weights() override { return weights_; }
  std::span<float> gradients() override { return gradients_; }
  std::span<float> pass_gradients() override { return pass_; }
  std::span<float> first_moments() override { return first_; }
  std::span<float> second_moments() override { return second_; }

  void initialize(uint64_t seed) override {
    for (size_t i = 0; i < size_; ++i) {
      const auto bits = sample::philox({static_cast<uint32_t>(i), 0, 0, 0}, {static_cast<uint32_t>(seed), 0});
      weights_[i] = static_cast<float>(bits[0]) * 0x1p-32f - 0.5f;
    }
  }

  Result<double> backward(const models::TrainWindows& windows, bool accumulate, float scale) override {
    const auto loss = backward_pass(windows, {.scale = scale, .second = accumulate});
    if (accumulate)
      for (size_t i = 0; i < size_; ++i) gradients_[i] += pass_[i];
    return loss;
  }
  Result<double> backward_pass(const models::TrainWindows& windows, const Pass& p) override {
    std::vector<float>& gradients = p.second ? pass_ : gradients_;
    std::ranges::fill(gradients, 0.0f);
    ++passes;
    if (passes == fail_at) return std::numeric_limits<double>::quiet_NaN();
    const double loss = pass(windows, p.scale, gradients);
    if (p.final_from != nullptr) p.final_from->store(0, std::memory_order_release);
    return loss;
  }
  Result<double> evaluate(const models::TrainWindows& windows) override { return pass(windows, 0, gradients_); }
  Status logits(std::span<const int32_t> ids, std::span<float> out) override {
    std::ranges::copy(row(ids.back()), out.begin());
    return {};
  }

  double update(const models::AdamW& a, int64_t step) override {
    double norm = 0;
    for (const float g : gradients_) norm += double{g} * g;
    norm = std::sqrt(norm);
    const double by = a.clip > 0 && norm > a.clip ? a.clip / norm : 1;
    for (size_t i = 0; i < size_; ++i) {
      const double g = gradients_[i] * by, t = static_cast<double>(step);
      first_[i] = static_cast<float>(a.beta1 * first_[i] + (1 - a.beta1) * g);
      second_[i] = static_cast<float>(a.beta2 * second_[i] + (1 - a.beta2) * g * g);
      const double m = first_[i] / (1 - std::pow(a.beta1, t)), v = second_[i] / (1 - std::pow(a.beta2, t));
      weights_[i] = static_cast<float>(weights_[i] * (1 - a.rate * a.decay) - a.rate * m / (std::sqrt(v) + a.eps));
    }
    return norm;
  }

  std::vector<float> activation_ranges() override { return ranges; }
  void set_profile(ops::Profile* profile) override { profile_ = profile; }
  double flops(int64_t windows, int64_t length) const override {
    return static_cast<double>(windows * length * config_.vocabulary);
  }

  int64_t passes = 0, fail_at = -1;  // the pass whose loss is not a number
  std::vector<float> ranges{};       // that are said

 private:
  std::span<float> row(int32_t id) {
    return std::span(weights_).subspan(static_cast<size_t>(id * config_.vocabulary),
                                       static_cast<size_t>(config_.vocabulary));
  }

  double pass(const models::TrainWindows& windows, float scale, std::vector<float>& gradients) {
    if (profile_ != nullptr) profile_->begin();
    double loss = 0;
    const double count = static_cast<double>(windows.inputs.size());
    std::vector<double> p(static_cast<size_t>(config_.vocabulary));
    for (size_t i = 0; i < windows.inputs.size(); ++i) {
      const auto x = row(windows.inputs[i]);
      const auto target = static_cast<size_t>(windows.targets[i]);
      double sum = 0;
      for (size_t j = 0; j < p.size(); ++j) sum += p[j] = std::exp(double{x[j]});
      loss += std::log(sum) - x[target];
      float* g = gradients.data() + (x.data() - weights_.data());
      if (scale > 0)
        for (size_t j = 0; j < p.size(); ++j)
          g[j] += static_cast<float>(scale * (p[j] / sum - (j == target ? 1 : 0)) / count);
    }
    if (profile_ != nullptr) {
      profile_->mark("bigrams");
      profile_->end();
    }
    return loss / count;
  }

  models::TrainConfig config_;
  Options options_;
  size_t size_;
  std::vector<models::TrainTensor> tensors_;
  std::vector<float> weights_, gradients_, pass_, first_, second_;
  ops::Profile* profile_ = nullptr;
};

}  // namespace lathe::run
