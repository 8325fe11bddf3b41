// Attention of the recorder: heads normalised and rotated, keys and values into the device's cache, and over it.
#include "ops/recorder_executor.h"

namespace lathe::ops {

void RecorderExecutor::normalize_heads(const float* weight, const CacheOperands& x, int64_t first, int64_t heads,
                                       int64_t dim) {
  gpu::RmsNormArgs args;
  args.x = args.y = floats(x.qkv + first * dim, heads * dim);
  args.w = constant(weight, dim);
  args.rows = heads;
  args.n = args.x_row = args.y_row = dim;
  args.epsilon = x.eps, args.offset = x.weight_offset;
  rms_norm_rows(args);
}

void RecorderExecutor::rotate_and_cache(const CachedBatch& batch, const CacheOperands& x) {
  if (!is_one_token(batch.tokens)) return;
  const KvShape& shape = cache_->shape();
  const int64_t dim = shape.head_dim, kv = shape.kv_heads * dim, positions = cache_->positions();
  if (x.query_norm != nullptr) {
    normalize_heads(x.query_norm, x, 0, x.heads, dim);
    normalize_heads(x.key_norm, x, x.heads, shape.kv_heads, dim);
    barrier();
  }
  if (x.table != nullptr) {
    const auto angles = memory_.angles(*x.table);
    if (!angles) return fail(angles.status());
    gpu::RopeArgs rope;
    rope.x = floats(x.qkv, (x.heads + shape.kv_heads) * dim);
    rope.table = *angles;
    rope.state = state_;
    rope.heads = x.heads + shape.kv_heads;
    rope.dim = rope.head_stride = dim;
    rope.pairs = x.table->rotary() / 2;
    rope.context = x.table->positions();
    step(gpu::StepOp::rope, {.interleaved = x.pairing == rope::Pairing::interleaved}, rope);
    barrier();
  }
  gpu::StoreArgs store;
  store.state = state_;
  store.n = kv;
  store.context = positions;
  store.x = floats(x.qkv + x.heads * dim, kv);
  store.cache = cache_->keys(x.layer);
  step(gpu::StepOp::store, {}, store);
  store.x = floats(x.qkv + x.heads * dim + kv, kv);
  store.cache = cache_->values(x.layer);
  step(gpu::StepOp::store, {}, store);
  end_op();
}

void RecorderExecutor::attention(const CachedBatch& batch, const PagedAttentionOperands& x) {
  if (!is_one_token(batch.tokens)) return;
  const KvShape& shape = cache_->shape();
  if (x.window >= 0 && x.window < cache_->positions()) return refuse("attention over a window");
  gpu::AttentionArgs args;
  args.q = floats(x.q, x.heads * shape.head_dim);
  args.keys = cache_->keys(x.layer), args.values = cache_->values(x.layer);
  args.parts = cache_->parts();
  args.state = state_;
  args.heads = x.heads, args.kv_heads = shape.kv_heads, args.dim = shape.head_dim;
  args.context = cache_->positions();
  args.scale = x.scale;
  step(gpu::StepOp::attention, {}, args);
  barrier();
  gpu::AttentionJoinArgs join;
  join.parts = cache_->parts();
  join.y = floats(x.y, x.heads * shape.head_dim);
  join.state = state_;
  join.heads = x.heads, join.dim = shape.head_dim;
  join.context = cache_->positions();
  join.keys_of_split = cache_->keys_of_split();
  step(gpu::StepOp::attention_join, {}, join);
  end_op();
}

}  // namespace lathe::ops
