// The executor of a device: what a pass says is recorded, and submitted later, again and again. What varies from run to
// run stands in the device's memory, so that a recording stays as it is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gpu/matmul_program.h"
#include "gpu/step_ops.h"
#include "ops/device_cache.h"
#include "ops/device_choice.h"
#include "ops/device_memory.h"
#include "ops/device_products.h"
#include "ops/device_program.h"
#include "ops/device_tokens.h"
#include "ops/executor.h"
#include "ops/team_executor.h"

namespace lathe::ops {

// The first error stays, is finish()'s, and all that is said behind it does nothing.
class RecorderExecutor final : public Executor {
 public:
  // `caches` may be nullptr where no text is cached. How often the device is entered: once for the recording, once for
  // each of its steps, once for each op.
  RecorderExecutor(DeviceMemory& memory, DeviceProducts& products, const PassTokens& tokens, const PassCaches* caches,
                   Dispatch dispatch)
      : memory_(memory), products_(products), tokens_(tokens), caches_(caches), dispatch_(dispatch) {}

  void embed(const TextBatch& batch, const EmbedOperands& x) override;
  void embed_scaled(const TextBatch& batch, const EmbeddingTable& words, float scale, float* y) override;
  void embed_at_positions(const CachedBatch& batch, const EmbeddingTable& words, const EmbeddingTable& positions,
                          float* scratch, float* y) override;
  void matmul(const char* name, const MatmulPlan& plan, const MatmulOperands& x, std::byte* workspace) override;
  void layer_norm(const norm::Args& args) override;
  void rms_norm(const norm::Args& args) override;
  void residual_norms(const ResidualNorms& x) override;
  void rotate(const TextBatch& batch, const RotateOperands& x) override;
  void activate(activation::Function function, const activation::ApplyArgs& args) override;
  void gate(activation::Function function, const activation::GatedArgs& args) override;
  void attention(const TextBatch& batch, const AttentionOperands& x) override;
  void rotate_and_cache(const CachedBatch& batch, const CacheOperands& x) override;
  void attention(const CachedBatch& batch, const PagedAttentionOperands& x) override;
  void gather_norm(const GatherNorm& x) override;
  void poll(const std::atomic<bool>&, bool&) override {}  // asked between submissions
  void pool(const TextBatch& batch, const PoolOperands& x) override;
  void normalize_rows(float* y, int64_t rows, int64_t row, int64_t keep) override;
  void sync() override;

  // What a pass does not say.
  void copy(const gpu::Place& from, const gpu::Place& to, int64_t bytes);
  // Of a pass of one token of each text: the largest of its `logits` becomes its next, one position on.
  void choose_largest(const float* logits, int64_t count);
  // The same, of a token that is drawn; `args` are DeviceDraws::args.
  void draw(const float* logits, int64_t count, gpu::DrawArgs args);
  void end_step();  // of a model

  Result<DeviceProgram> finish();

 private:
  bool ok() const { return status_.ok(); }
  void fail(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }
  void refuse(const char* op) { fail(unsupported(std::string(op) + ": the device has no kernel for it yet")); }
  bool has_tokens(const TextBatch& batch);
  gpu::Place at(const void* host, int64_t bytes);
  gpu::Place floats(const float* host, int64_t count) { return at(host, count * int64_t{sizeof(float)}); }
  gpu::Place constant(const float* values, int64_t count);
  gpu::ChoiceArgs choice(const float* logits, int64_t count);
  gpu::Recording* recording();
  template <class Args>
  void step(gpu::StepOp op, const StepNeeds& needs, const Args& args);
  bool has_texts(const TextBatch& batch);
  void gather(const EmbeddingTable& words, const EmbeddingTable* positions, gpu::GatherRowsArgs args, float* y);
  void store(const float* x, int64_t row, const gpu::Place& caches);
  void attend_texts(const PagedAttentionOperands& x);
  void attend_rows(const PagedAttentionOperands& x);
  void barrier();
  void end_op();
  void end_recording();

  DeviceMemory& memory_;
  DeviceProducts& products_;
  const PassTokens tokens_;
  const PassCaches* const caches_;
  const Dispatch dispatch_;
  Status status_;
  std::shared_ptr<gpu::Recording> recording_;
  std::vector<std::shared_ptr<gpu::Recording>> parts_;
};

template <class Args>
void RecorderExecutor::step(gpu::StepOp op, const StepNeeds& needs, const Args& args) {
  gpu::Recording* const to = recording();
  if (to == nullptr) return;
  const auto variant = choose_step(op, needs, memory_.device().info());
  if (!variant) return fail(variant.status());
  const auto program = gpu::StepProgram::create(memory_.device(), **variant);
  fail(program ? program->record(*to, args) : program.status());
}

}  // namespace lathe::ops
