// The forward pass of a BERT-like encoder over a ragged batch, executed by the whole team in one entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/memory.h"
#include "kernels/attention/attention.h"
#include "kernels/norm/norm.h"
#include "models/bert_weights.h"
#include "ops/pool.h"
#include "platform/team.h"

namespace lathe::models {

struct PoolOptions {
  std::span<const Pooling> modes;
  bool normalize = true;
  int64_t keep = 0;  // of width() * modes elements
};

class BertEncoder {
 public:
  // `team` and what `weights` lead to must outlive this. `stored` is the type that the weights were bound with.
  BertEncoder(const BertConfig& config, BertWeights weights, matmul::Type stored, Team& team);

  const BertConfig& config() const { return config_; }

  // Memory for passes of up to `tokens`. run() grows it where it must, and never shrinks it.
  Status reserve(int64_t tokens);
  // Gives back what is there beyond the memory for `tokens`.
  Status shrink(int64_t tokens);

  // One vector of width * modes floats per text into `out`, of which the first `keep` are the result. Texts have
  // 1 to config().max_tokens() tokens, ids below config().vocabulary. Once a count of tokens was seen, a pass with that
  // count allocates nothing. A text's vector has the same bits alone or in any batch, with any number of threads.
  Status run(const ops::TextBatch& batch, const PoolOptions& pooling, float* out);

 private:
  // The products of one layer for one count of tokens.
  struct Plans {
    ops::MatmulPlan qkv, out, up, down;
    int64_t workspace_bytes() const;
  };

  Status check(const ops::TextBatch& batch, const PoolOptions& pooling) const;
  Result<const Plans*> plans(int64_t tokens);
  Result<ops::MatmulPlan> plan(const LinearWeights& linear, int64_t tokens, bool residual,
                               matmul::Activation activation) const;
  void run_layer(Team::Worker& worker, const BertLayer& layer, const Plans& plans, const ops::TextBatch& batch);
  void multiply(Team::Worker& worker, const ops::MatmulPlan& plan, const LinearWeights& linear, const float* a,
                float* c, const float* residual);
  void normalize(const Team::Worker& worker, const NormWeights& norm, int64_t tokens);

  BertConfig config_;
  BertWeights weights_;
  matmul::Type stored_;
  Team& team_;
  const attention::Variant& attention_;
  const norm::Variant& norm_;
  std::vector<std::unique_ptr<const Plans>> plans_;  // by count of tokens

  int64_t capacity_ = 0;   // tokens
  Buffer hidden_;          // [tokens, width]: the residual stream
  Buffer context_;         // [tokens, width]: what attention gives
  Buffer wide_;            // [tokens, max(3 * width, intermediate)]: queries, keys and values, then the inner layer
  Buffer products_;        // workspace of the products
  Buffer worker_scratch_;  // of each worker: attention's scratch
  Buffer position_rows_;   // of each worker: one row
};

}  // namespace lathe::models
