// The forward pass of EmbeddingGemma (the reference is transformers' modeling_gemma3, Gemma3TextModel).
#pragma once

#include "models/encoder.h"
#include "models/gemma_weights.h"

namespace lathe::models {

class GemmaEncoder final : public Encoder {
 public:
  // `team` and what `weights` lead to must outlive this. `stored` is the type that the weights were bound with.
  GemmaEncoder(const GemmaConfig& config, GemmaWeights weights, matmul::Type stored, Team& team);

  const GemmaConfig& config() const { return config_; }

 private:
  Result<Plans> make_plans(int64_t tokens) const override;
  std::vector<LinearWeights*> linears() override;
  const ops::EmbeddingTable& words() const override { return weights_.words; }
  std::vector<Need> needs(int64_t tokens) override;
  Status prepare(const ops::TextBatch& batch) override;
  int64_t steps() const override { return config_.layers + 2; }
  void step(ops::Executor& x, int64_t i, const Pass& pass) override;

  int64_t queries() const { return config_.heads * config_.head_dim; }
  int64_t qkv_row() const { return (config_.heads + 2 * config_.kv_heads) * config_.head_dim; }
  void embed(ops::Executor& x, const Pass& pass);
  void layer(ops::Executor& x, int64_t i, const Pass& pass);
  void attend(ops::Executor& x, int64_t i, const Pass& pass);
  void multiply(ops::Executor& x, const char* name, const ops::MatmulPlan& plan, const LinearWeights& linear,
                const float* a, float* c);
  void normalize(ops::Executor& x, const std::vector<float>& post, const std::vector<float>& next, int64_t tokens);

  GemmaConfig config_;
  GemmaWeights weights_;
  matmul::Type stored_;
  ops::RopeTable global_, local_;

  Buffer hidden_;          // [tokens, width]: the residual stream
  Buffer normed_;          // [tokens, width]: what is about to be added to it, then its norm
  Buffer context_;         // [tokens, heads * head_dim]: what attention gives
  Buffer wide_;            // [tokens, max(qkv_row(), intermediate)]
  Buffer worker_scratch_;  // of each worker: attention's scratch
};

}  // namespace lathe::models
