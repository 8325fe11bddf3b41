// The vocabulary that model code is written in. A model says its forward pass once, as steps of straight-line calls on
// an Executor; who executes them, and how often a team enters, is the executor's business (ops/team_executor.h).
#pragma once

#include <atomic>
#include <cstddef>

#include "kernels/activation/activation.h"
#include "kernels/norm/norm.h"
#include "ops/attention.h"
#include "ops/embedding.h"
#include "ops/matmul.h"
#include "ops/paged_attention.h"
#include "ops/pool.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/rows.h"

namespace lathe::ops {

// What an op writes is complete for the ops behind the next sync(), and for those only: between two syncs stand ops
// that do not depend on each other. Operands live until the pass has ended. A name is a literal; equal names share a
// line of the profile.
class Executor {
 public:
  virtual ~Executor() = default;

  virtual void embed(const TextBatch& batch, const EmbedOperands& x) = 0;
  virtual void embed_scaled(const TextBatch& batch, const EmbeddingTable& words, float scale, float* y) = 0;
  virtual void embed_at_positions(const CachedBatch& batch, const EmbeddingTable& words,
                                  const EmbeddingTable& positions, float* scratch, float* y) = 0;
  virtual void matmul(const char* name, const MatmulPlan& plan, const MatmulOperands& x, std::byte* workspace) = 0;
  virtual void layer_norm(const norm::Args& args) = 0;
  virtual void rms_norm(const norm::Args& args) = 0;
  virtual void residual_norms(const ResidualNorms& x) = 0;
  virtual void rotate(const TextBatch& batch, const RotateOperands& x) = 0;
  virtual void activate(activation::Function function, const activation::ApplyArgs& args) = 0;
  virtual void gate(activation::Function function, const activation::GatedArgs& args) = 0;
  virtual void attention(const TextBatch& batch, const AttentionOperands& x) = 0;
  virtual void rotate_and_cache(const CachedBatch& batch, const CacheOperands& x) = 0;
  virtual void attention(const CachedBatch& batch, const PagedAttentionOperands& x) = 0;
  virtual void gather_norm(const GatherNorm& x) = 0;
  // One worker copies what stands in `asked` to `seen`, which all may read behind the next sync: so that all take the
  // same way where somebody outside asks to stop.
  virtual void poll(const std::atomic<bool>& asked, bool& seen) = 0;
  virtual void pool(const TextBatch& batch, const PoolOperands& x) = 0;
  virtual void normalize_rows(float* y, int64_t rows, int64_t row, int64_t keep) = 0;
  virtual void sync() = 0;
};

}  // namespace lathe::ops
