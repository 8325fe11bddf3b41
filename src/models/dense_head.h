// The Dense modules of sentence-transformers: linear layers between pooling and the vector's length.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/memory.h"
#include "formats/sentence_transformer.h"
#include "models/weight_binder.h"
#include "ops/executor.h"
#include "platform/team.h"

namespace lathe::models {

class DenseHead {
 public:
  // `in` elements are pooled. Packed by `team`, which runs it later; `layers`, at least one, are not needed afterwards.
  // An error where sizes do not follow one another or an activation is none of those known here, which it names.
  static Result<DenseHead> bind(std::span<const DenseLayer> layers, int64_t in, matmul::Type stored, Team& team,
                                ops::PackedStore* store = nullptr);

  int64_t in() const { return layers_.front().linear.weights.k(); }
  int64_t out() const { return layers_.back().linear.weights.n(); }

  // Memory and plans for so many texts; a count that was seen before allocates nothing.
  Status reserve(int64_t texts);
  // What passes work in: it stays where it is as long as no more texts are reserved for.
  std::vector<std::span<const std::byte>> memory() const;
  std::vector<LinearWeights*> linears();
  // Where the pooled vectors go that run() reads, [texts, in()].
  float* pooled() { return rows_[0].as<float>(); }
  // y [texts, out()]; pooled() was filled before the last sync. Ends with a sync.
  void run(ops::Executor& x, int64_t texts, float* y);

 private:
  struct Layer {
    LinearWeights linear;
    matmul::Activation fused = matmul::Activation::none;
    bool tanh = false;  // which no product's epilogue has
  };
  using Plans = std::vector<ops::MatmulPlan>;

  DenseHead(matmul::Type stored, Team& team);
  Result<Plans> plan(int64_t texts) const;

  matmul::Type stored_;
  int workers_;
  std::vector<Layer> layers_;
  std::vector<std::unique_ptr<const Plans>> plans_;  // by count of texts
  Buffer rows_[2], workspace_;
};

}  // namespace lathe::models
