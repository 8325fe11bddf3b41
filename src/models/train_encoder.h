// An encoder that learns from pairs of texts: weights and gradients in two flat arrays, and a step of the team through
// all of it, forwards and backwards. The model is BERT's (BertEncoder computes the same), the vector of a text the mean
// over its tokens, brought to length 1.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "lathe/status.h"
#include "models/bert_config.h"
#include "models/train_model.h"
#include "ops/embedding.h"
#include "ops/profile.h"
#include "platform/team.h"

namespace lathe::models {

// `pairs` anchors, as many positives and, with negatives, as many of them, in this order; identity is equal for equal
// texts. The loss of an anchor is the cross-entropy of cos(anchor, candidate) / temperature over all texts but the
// anchors, its own positive being the right one (InfoNCE; one direction, as sentence-transformers'
// MultipleNegativesRankingLoss has it). Candidates that would be no wrong answer are left out: ops/contrastive.h.
struct ContrastBatch {
  ops::TextBatch texts;
  std::span<const int32_t> identity;  // [texts]
  int64_t pairs = 0;
  bool negatives = false;
  float temperature = 0.05f;

  int64_t count() const { return negatives ? 3 * pairs : 2 * pairs; }
};

class TrainEncoder {
 public:
  struct Options {
    int64_t pairs = 0, tokens = 0;  // of one call, at most
    int64_t longest = 0;            // tokens of a text, at most
    bool negatives = false;
  };

  static Result<TrainModel::Memory> memory(const BertConfig& config, const Options& options, int threads);
  static Result<std::unique_ptr<TrainEncoder>> create(const BertConfig& config, const Options& options, Team& team);
  virtual ~TrainEncoder() = default;

  virtual const BertConfig& config() const = 0;
  virtual std::span<const TrainTensor> tensors() const = 0;
  // Flat, all tensors one after the other. What the optimizer keeps has the same places.
  virtual std::span<float> weights() = 0;
  virtual std::span<float> gradients() = 0;
  virtual std::span<float> first_moments() = 0;
  virtual std::span<float> second_moments() = 0;

  // Weights of a seed, the same on every machine: matrices normal with this deviation, norms 1, biases 0.
  virtual void initialize(uint64_t seed, float deviation) = 0;

  // Mean loss of the anchors; gradients = (accumulate ? gradients : 0) + d(scale * mean loss) / d(weights). The same
  // bits with any number of threads. An error where the batch is larger than the options said, has fewer than two
  // pairs, or an id is none of the vocabulary; then nothing has changed. A loss that is not finite is a result.
  virtual Result<double> backward(const ContrastBatch& batch, bool accumulate, float scale) = 0;
  struct Evaluation {
    double loss = 0;
    int64_t first = 0, first_ten = 0;  // anchors whose positive is the nearest candidate, or among the nearest ten
  };
  virtual Result<Evaluation> evaluate(const ContrastBatch& batch) = 0;
  // The vectors of the texts of the last call: [texts][width].
  virtual std::span<const float> vectors() const = 0;

  // One step of AdamW number `step` (from 1). Returns the gradients' norm before clipping; where that is not finite
  // nothing is changed.
  virtual double update(const AdamW& settings, int64_t step) = 0;

  // For telemetry; `profile` may be nullptr and must outlive the calls.
  virtual void set_profile(ops::Profile* profile) = 0;
  // FLOPs of the products and of attention in one backward(), forward pass included.
  virtual double flops(const ContrastBatch& batch) const = 0;
};

}  // namespace lathe::models
