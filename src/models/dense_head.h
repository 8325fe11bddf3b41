// The Dense modules of sentence-transformers: linear layers between pooling and the vector's length.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/memory.h"
#include "formats/sentence_transformer.h"
#include "kernels/activation/activation.h"
#include "models/weight_binder.h"
#include "platform/team.h"

namespace lathe::models {

class DenseHead {
 public:
  // `in` elements are pooled. Packed by `team`, which runs it later; `layers` are not needed afterwards. An error where
  // sizes do not follow one another or an activation is none of those known here, which it names.
  static Result<DenseHead> bind(std::span<const DenseLayer> layers, int64_t in, matmul::Type stored, Team& team);

  int64_t out() const { return layers_.back().linear.weights.n(); }

  // Memory and plans for so many texts; a count that was seen before allocates nothing.
  Status reserve(int64_t texts);
  // Where the pooled vectors go that run() reads, [texts, in].
  float* pooled() { return rows_[0].as<float>(); }
  // Called by every worker, after a barrier behind what filled pooled(): y [texts, out()]. Ends with a barrier.
  void run(Team::Worker& worker, int64_t texts, float* y);

 private:
  struct Layer {
    LinearWeights linear;
    matmul::Activation fused = matmul::Activation::none;
    bool tanh = false;  // which no product's epilogue has
  };
  using Plans = std::vector<ops::MatmulPlan>;

  DenseHead(matmul::Type stored, Team& team);
  Result<Plans> plan(int64_t texts) const;
  void apply_tanh(const Team::Worker& worker, int64_t texts, int64_t n, float* y) const;

  matmul::Type stored_;
  int workers_;
  const activation::Variant& activation_;
  std::vector<Layer> layers_;
  std::vector<std::unique_ptr<const Plans>> plans_;  // by count of texts
  int64_t capacity_ = 0;                             // texts
  Buffer rows_[2], workspace_;
};

}  // namespace lathe::models
