// The forward pass of BERT, RoBERTa and XLM-RoBERTa (Devlin et al. 2018; the reference is transformers' modeling_bert).
#pragma once

#include "models/bert_weights.h"
#include "models/encoder.h"

namespace lathe::models {

class BertEncoder final : public Encoder {
 public:
  // `team` and what `weights` lead to must outlive this. `stored` is the type that the weights were bound with.
  BertEncoder(const BertConfig& config, BertWeights weights, matmul::Type stored, Team& team);

  const BertConfig& config() const { return config_; }

 private:
  Result<Plans> make_plans(int64_t tokens) const override;
  std::vector<LinearWeights*> linears() override;
  const ops::EmbeddingTable& words() const override { return weights_.words; }
  std::vector<Need> needs(int64_t tokens) override;
  int64_t steps() const override { return config_.layers + 2; }
  void step(ops::Executor& x, int64_t i, const Pass& pass) override;

  Result<ops::MatmulPlan> plan(const LinearWeights& linear, int64_t tokens, bool residual,
                               matmul::Activation activation) const;
  void embed(ops::Executor& x, const Pass& pass);
  void layer(ops::Executor& x, const BertLayer& layer, const Pass& pass);
  void multiply(ops::Executor& x, const char* name, const ops::MatmulPlan& plan, const LinearWeights& linear,
                const float* a, float* c, const float* residual);
  void normalize(ops::Executor& x, const NormWeights& norm, int64_t tokens);

  BertConfig config_;
  BertWeights weights_;
  matmul::Type stored_;

  Buffer hidden_;          // [tokens, width]: the residual stream
  Buffer context_;         // [tokens, width]: what attention gives
  Buffer wide_;            // [tokens, max(3 * width, intermediate)]: queries, keys and values, then the inner layer
  Buffer worker_scratch_;  // of each worker: attention's scratch
  Buffer position_rows_;   // of each worker: one row
};

}  // namespace lathe::models
