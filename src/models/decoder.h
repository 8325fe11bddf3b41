// The forward pass of a decoder over texts that go on: each brings its new tokens, and the cache has what came before.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "models/decoder_weights.h"
#include "models/pass_model.h"
#include "ops/kv_cache.h"
#include "ops/paged_attention.h"

namespace lathe::models {

// Text i brings the tokens [offsets[i], offsets[i + 1]), which stand behind texts[i]'s length.
struct DecoderBatch {
  ops::TextBatch tokens;
  std::span<ops::KvText* const> texts;
  std::span<const int64_t> rows;              // tokens of the batch, in any order, whose logits are wanted
  float* logits = nullptr;                    // [rows, vocabulary]
  const std::atomic<bool>* cancel = nullptr;  // looked at twice in a layer
};

enum class PassOutcome : uint8_t { done, cancelled };

class Decoder final : public PassModel {
 public:
  // `team` and what `weights` lead to must outlive this.
  Decoder(DecoderConfig config, DecoderWeights weights, Team& team);

  const DecoderConfig& config() const { return config_; }
  const DecoderWeights& weights() const { return weights_; }
  ops::KvShape kv_shape(ops::KvType type) const;

  // Caches the new tokens, and gives the logits that were asked for. A text's logits have the same bits whatever else
  // is in the batch, however its tokens are divided among passes, with any number of threads and any dispatch. Once
  // such counts of tokens and rows were seen and the texts have their pages, a pass allocates nothing. Where it fails
  // or is cancelled, the texts are as they were.
  Result<PassOutcome> run(const DecoderBatch& batch);

  // The same calls for an executor of the caller's, which has keys and values itself: so many tokens, whatever they are
  // and whichever texts they are of, up to the last of so many positions. end_step() is called behind each step.
  struct Saying {
    int64_t tokens = 1, positions = 1;
    std::span<const int64_t> rows{};  // as DecoderBatch::rows
    float* logits = nullptr;
  };
  Status say(ops::Executor& x, const Saying& what, const std::function<void()>& end_step);

  // For who has the weights of the products elsewhere: their memory here goes, and run() is an error from now on.
  void drop_products();

 private:
  // Plans of the distinct products of a pass; layers share them.
  struct Plans {
    std::vector<ops::MatmulPlan> each;
    int64_t workspace_bytes() const;
  };
  struct Product {
    const LinearWeights* linear;
    matmul::Activation activation = matmul::Activation::none;
    bool residual = false;
  };
  struct LayerProducts {
    std::vector<size_t> qkv, gate_up;  // places in Plans
    size_t out, down;
  };
  struct Pass {
    ops::CachedBatch batch;
    const Plans& plans;
    const Plans& head;
    const DecoderBatch& asked;
  };

  std::vector<Need> needs(int64_t tokens) override;
  int64_t shrink_plans(int64_t tokens) override;

  Status check(const DecoderBatch& batch) const;
  Status prepare(const DecoderBatch& batch);
  void reserve_rope(int64_t positions);
  Result<Pass> plan_pass(const DecoderBatch& batch);
  size_t place_of(const Product& product);
  Result<ops::MatmulPlan> plan(const Product& product, int64_t rows) const;
  Result<Plans> make_plans(std::span<const Product> products, int64_t rows) const;

  int64_t queries() const { return config_.heads * config_.head_dim; }
  int64_t qkv_row() const { return (config_.heads + 2 * config_.kv_heads) * config_.head_dim; }
  int64_t wide_row() const;
  void step(ops::Executor& x, int64_t i, const Pass& pass);
  void embed(ops::Executor& x, const Pass& pass);
  void layer(ops::Executor& x, size_t i, const Pass& pass);
  void attend(ops::Executor& x, size_t i, const Pass& pass);
  void feed_forward(ops::Executor& x, size_t i, const Pass& pass);
  void poll(ops::Executor& x, const Pass& pass);
  void give_logits(ops::Executor& x, const Pass& pass);
  void multiply(ops::Executor& x, const char* name, const ops::MatmulPlan& plan, const LinearWeights& linear,
                const float* a, float* c, int64_t ldc);
  void add_and_norm(ops::Executor& x, const std::vector<float>& post, const NormWeights& next, int64_t tokens);

  DecoderConfig config_;
  DecoderWeights weights_;
  ops::RopeTable global_, local_;
  std::vector<Product> products_of_layers_;
  std::vector<LayerProducts> layer_products_;
  PlanCache<Plans> plans_, head_plans_;
  ops::KvShape shape_;                   // of the pass
  std::vector<ops::CachedText> cached_;  // the same
  bool cancelled_ = false, dropped_ = false;

  Buffer hidden_;          // [tokens, width]: the residual stream
  Buffer normed_;          // [tokens, width]: what the next product reads
  Buffer context_;         // [tokens, heads * head_dim]: what attention gives
  Buffer wide_;            // [tokens, qkv_row()], then [tokens, intermediate], of up behind those of gate
  Buffer worker_scratch_;  // of each worker: attention's scratch
};

}  // namespace lathe::models
