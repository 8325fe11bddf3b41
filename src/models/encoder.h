// What all encoders share: a forward pass over a ragged batch, one vector per text. A model derives from this, says
// what memory and which products it needs, and writes its pass as steps on an ops::Executor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/memory.h"
#include "models/dense_head.h"
#include "models/pass_model.h"
#include "ops/pool.h"
#include "platform/team.h"

namespace lathe::models {

struct PoolOptions {
  std::span<const Pooling> modes;
  std::span<const int64_t> skip{};  // of each text, at its beginning: tokens that are not pooled; empty: none
  bool normalize = true;
  int64_t keep = 0;  // of vector_size() elements
};

struct EncoderSizes {
  int64_t width = 0;       // of a token's vector
  int64_t vocabulary = 0;  // ids are below
  int64_t max_tokens = 0;  // of a text
  int64_t head_dim = 0;    // of attention
};

class Encoder : public PassModel {
 public:
  const EncoderSizes& sizes() const { return sizes_; }

  // Dense modules behind the pooling; set before the first pass, for as many pooled elements as it takes.
  void set_head(DenseHead head) { head_ = std::move(head); }
  // Elements of a text's vector with so many kinds of pooling.
  int64_t vector_size(size_t modes) const { return head_ ? head_->out() : sizes_.width * static_cast<int64_t>(modes); }

  // One vector of vector_size() floats per text into `out`, of which the first `keep` are the result. Texts have
  // 1 to max_tokens tokens. Once a count of tokens was seen, a pass with that count allocates nothing. A text's vector
  // has the same bits alone or in any batch, with any number of threads, however the pass is dispatched.
  Status run(const ops::TextBatch& batch, const PoolOptions& pooling, float* out);

  // What a pass of so many tokens takes beside the weights.
  Result<int64_t> pass_bytes(int64_t tokens);

  // For an executor of the caller's, which computes elsewhere. What passes of up to so many tokens and texts name as
  // their memory, and which stays where it is as long as no more are asked for:
  Result<std::vector<std::span<const std::byte>>> named_memory(int64_t tokens, int64_t texts);
  // A pass of the batch's shape, whatever its tokens are, with end_step() behind each step; named_memory() was asked
  // for it.
  Status say(ops::Executor& x, const ops::TextBatch& batch, const PoolOptions& pooling, float* out,
             const std::function<void()>& end_step);
  // Whether run() would take it.
  Status check(const ops::TextBatch& batch, const PoolOptions& pooling) const;
  // Kinds of pooling that a pass has at least.
  int64_t pooled_kinds() const { return head_ ? head_->in() / sizes_.width : 1; }
  int64_t weight_bytes();
  // For who has the weights elsewhere: those of products leave this memory, and run() is an error from now on.
  void drop_products();

 protected:
  // The products of a layer for one count of tokens; all layers have the same shapes.
  struct Plans {
    ops::MatmulPlan qkv, out, up, down;
    int64_t workspace_bytes() const;
  };
  // What the steps of one pass work on.
  struct Pass {
    ops::TextBatch batch;
    const Plans& plans;
    const PoolOptions& pooling;
    float* out;
  };

  Encoder(EncoderSizes sizes, Team& team) : PassModel(team), sizes_(sizes) {}

  virtual Result<Plans> make_plans(int64_t tokens) const = 0;
  virtual std::vector<LinearWeights*> linears() = 0;
  virtual const ops::EmbeddingTable& words() const = 0;
  // What else a batch needs before its pass; allocates nothing for lengths that were seen.
  virtual Status prepare(const ops::TextBatch&) { return {}; }
  // Step 0, 1 ... steps() - 1 of a pass, each ending with a sync. Must not allocate.
  virtual int64_t steps() const = 0;
  virtual void step(ops::Executor& x, int64_t i, const Pass& pass) = 0;

  // The last step: from the tokens' vectors to `pass.out`.
  void pool(ops::Executor& x, const float* hidden, const Pass& pass);

 private:
  int64_t shrink_plans(int64_t tokens) final { return plans_.shrink(tokens); }
  Result<const Plans*> plans(int64_t tokens);
  std::vector<LinearWeights*> all_linears();

  EncoderSizes sizes_;
  std::optional<DenseHead> head_;
  PlanCache<Plans> plans_;
  bool dropped_ = false;
};

}  // namespace lathe::models
