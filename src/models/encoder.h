// What all encoders share: a forward pass over a ragged batch, one vector per text. A model derives from this, says
// what memory and which products it needs, and writes its pass as steps on an ops::Executor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/memory.h"
#include "models/dense_head.h"
#include "ops/pool.h"
#include "ops/team_executor.h"
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
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  const EncoderSizes& sizes() const { return sizes_; }

  // Dense modules behind the pooling; set before the first pass, for as many pooled elements as it takes.
  void set_head(DenseHead head) { head_ = std::move(head); }
  // Elements of a text's vector with so many kinds of pooling.
  int64_t vector_size(size_t modes) const { return head_ ? head_->out() : sizes_.width * static_cast<int64_t>(modes); }

  // One vector of vector_size() floats per text into `out`, of which the first `keep` are the result. Texts have
  // 1 to max_tokens tokens. Once a count of tokens was seen, a pass with that count allocates nothing. A text's vector
  // has the same bits alone or in any batch, with any number of threads, however the pass is dispatched.
  Status run(const ops::TextBatch& batch, const PoolOptions& pooling, float* out);

  // Memory for passes of up to `tokens`. run() grows it where it must, and never shrinks it.
  Status reserve(int64_t tokens);
  // Gives back what is there beyond the memory for `tokens`.
  Status shrink(int64_t tokens);
  // What a pass of so many tokens takes beside the weights.
  Result<int64_t> pass_bytes(int64_t tokens);

  // For measurements; `profile` may be nullptr and must outlive the passes.
  void set_dispatch(ops::Dispatch dispatch) { dispatch_ = dispatch; }
  void set_profile(ops::Profile* profile) { profile_ = profile; }

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
  struct Need {
    Buffer& buffer;
    int64_t bytes;
  };

  Encoder(EncoderSizes sizes, Team& team) : sizes_(sizes), team_(team), kernels_(ops::CpuKernels::best()) {}

  virtual Result<Plans> make_plans(int64_t tokens) const = 0;
  virtual std::vector<Need> needs(int64_t tokens) = 0;
  // What else a batch needs before its pass; allocates nothing for lengths that were seen.
  virtual Status prepare(const ops::TextBatch&) { return {}; }
  // Step 0, 1 ... steps() - 1 of a pass, each ending with a sync. Must not allocate.
  virtual int64_t steps() const = 0;
  virtual void step(ops::Executor& x, int64_t i, const Pass& pass) = 0;

  // The last step: from the tokens' vectors to `pass.out`.
  void pool(ops::Executor& x, const float* hidden, const Pass& pass);

  int workers() const { return team_.size(); }
  std::byte* products() { return products_.data(); }

 private:
  Status check(const ops::TextBatch& batch, const PoolOptions& pooling) const;
  Result<const Plans*> plans(int64_t tokens);

  EncoderSizes sizes_;
  Team& team_;
  ops::CpuKernels kernels_;
  std::optional<DenseHead> head_;
  ops::Dispatch dispatch_ = ops::Dispatch::model;
  ops::Profile* profile_ = nullptr;
  std::vector<std::unique_ptr<const Plans>> plans_;  // by count of tokens
  int64_t capacity_ = 0;                             // tokens
  Buffer products_;                                  // workspace of the products
};

}  // namespace lathe::models
