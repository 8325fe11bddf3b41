// A decoder that learns: weights and gradients in two flat arrays, and a step of the team through all of it, forwards
// and backwards.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/status.h"
#include "models/train_config.h"
#include "ops/profile.h"
#include "platform/team.h"

namespace lathe::models {

// A tensor's place in the flat arrays. Tensors have the names and shapes of Hugging Face's files of the family
// ("model.layers.0.self_attn.q_proj.weight" [out, in]; gpt2: "transformer.h.0.attn.c_attn.weight" [in, out]).
struct TrainTensor {
  std::string name;
  std::vector<int64_t> shape;
  int64_t offset, size;  // elements
  bool decay;            // matrices do, norms and biases do not
};

// `count` windows of `length` tokens, one after the other, and the token that follows each. A negative target is not
// counted.
struct TrainWindows {
  std::span<const int32_t> inputs, targets;  // [count * length]
  int64_t count = 0, length = 0;
};

struct AdamW {
  double rate = 0, beta1 = 0.9, beta2 = 0.95, eps = 1e-8, decay = 0.1;
  double clip = 1.0;  // of the gradients' norm; 0: none
};

// Norms of the gradients of one update before clipping, for telemetry.
struct GradientNorms {
  std::vector<std::pair<std::string_view, double>> parts{};  // "embedding", "attention", "mlp", "norms", "head"
  std::vector<double> layers{};
};

class TrainModel {
 public:
  struct Options {
    int64_t windows = 0, length = 0;  // of one call, at most
    bool recompute = false;           // activations of a layer are computed again on the way back
    // Operands of the products are rounded to bf16, and so is what a layer keeps for its gradients, but for the
    // residual stream; sums, gradients, the weights that the optimizer changes and its moments are f32.
    bool bf16 = false;
    bool accumulate = false;  // the gradients of several passes are added: a second array of them is there
  };
  // Memory that a model takes, before it is made.
  struct Memory {
    int64_t weights = 0, gradients = 0, moments = 0, activations = 0, logits = 0, workspace = 0;
    int64_t total() const { return weights + gradients + moments + activations + logits + workspace; }
  };

  static Result<Memory> memory(const TrainConfig& config, const Options& options, int threads);
  static Result<std::unique_ptr<TrainModel>> create(const TrainConfig& config, const Options& options, Team& team);
  virtual ~TrainModel() = default;

  virtual const TrainConfig& config() const = 0;
  virtual std::span<const TrainTensor> tensors() const = 0;
  // Flat, all tensors one after the other. What the optimizer keeps has the same places.
  virtual std::span<float> weights() = 0;
  virtual std::span<float> gradients() = 0;
  virtual std::span<float> pass_gradients() = 0;  // the second array; without Options::accumulate it is empty
  virtual std::span<float> first_moments() = 0;
  virtual std::span<float> second_moments() = 0;

  // Weights of a seed: the same on every machine.
  virtual void initialize(uint64_t seed) = 0;

  // Mean loss of the counted targets; gradients = (accumulate ? gradients : 0) + d(scale * mean loss) / d(weights),
  // where the latter is summed from 0 (in pass_gradients(), where it is added) and the addition rounded once. The same
  // bits with any number of threads. An error where an id is none of the vocabulary or the windows are more or
  // longer than the options said; then nothing has changed. A loss that is not finite is a result: the caller stops.
  virtual Result<double> backward(const TrainWindows& windows, bool accumulate, float scale) = 0;

  // The same of a pass whose gradients others add up: d(scale * mean loss) / d(weights) alone, in gradients() or, where
  // it is `second`, in pass_gradients(). While it runs `final_from` (nullptr: nobody asks) falls from the arrays' size
  // to 0: the elements from there on are final, and another thread may read them.
  struct Pass {
    float scale = 1;
    bool second = false;
    std::atomic<int64_t>* final_from = nullptr;
  };
  virtual Result<double> backward_pass(const TrainWindows& windows, const Pass& pass) = 0;
  // The mean loss alone.
  virtual Result<double> evaluate(const TrainWindows& windows) = 0;
  // Logits behind the last of `ids` (at most Options::length of them).
  virtual Status logits(std::span<const int32_t> ids, std::span<float> out) = 0;

  // One step of AdamW number `step` (from 1). Returns the gradients' norm before clipping; where that is not finite
  // nothing is changed.
  virtual double update(const AdamW& settings, int64_t step) = 0;

  // Of the last update(); its parts' squares sum to that of the norm which update() gave. Empty where a model does not
  // say.
  virtual GradientNorms gradient_norms() const { return {}; }
  // The largest magnitude in the residual stream before each layer and behind the last, in the last backward() or
  // evaluate(); NaN where one of its numbers is none. Empty where a model does not say.
  virtual std::vector<float> activation_ranges() { return {}; }

  // For telemetry; `profile` may be nullptr and must outlive the calls.
  virtual void set_profile(ops::Profile* profile) = 0;
  // FLOPs of the products and of attention in one backward(), forward pass included.
  virtual double flops(int64_t windows, int64_t length) const = 0;
};

}  // namespace lathe::models
