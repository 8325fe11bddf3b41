// Attention of the recorder: heads normalised and rotated, keys and values into the device's cache, and over it.
#include "ops/recorder_executor.h"

namespace lathe::ops {

void RecorderExecutor::store(const float* x, int64_t row, const gpu::Place& caches) {
  gpu::StoreRowsArgs args;
  args.rows = tokens_.rows;
  args.n = caches_->shape.kv_heads * caches_->shape.head_dim;
  args.x_row = row;
  args.x = floats(x, (args.rows - 1) * row + args.n);
  args.caches = caches;
  args.slots = tokens_.slots, args.rooms = tokens_.rooms;
  args.rows_of_text = tokens_.rows / tokens_.cached_texts;
  step(gpu::StepOp::store_rows, {}, args);
}

void RecorderExecutor::rotate_and_cache(const CachedBatch& batch, const CacheOperands& x) {
  if (!has_tokens(batch.tokens)) return;
  const int64_t kv_heads = caches_->shape.kv_heads, dim = caches_->shape.head_dim;
  gpu::RotateRowsArgs args;
  args.tokens = tokens_.rows;
  args.heads = x.heads, args.kv_heads = kv_heads, args.dim = dim;
  args.row = x.row;
  args.x = floats(x.qkv, (args.tokens - 1) * x.row + (x.heads + kv_heads) * dim);
  args.positions = tokens_.positions;
  args.epsilon = x.eps, args.offset = x.weight_offset;
  if (x.query_norm != nullptr) {
    args.query_norm = constant(x.query_norm, dim);
    args.key_norm = constant(x.key_norm, dim);
  }
  args.context = 1;  // of no table
  if (x.table != nullptr) {
    const auto angles = memory_.angles(*x.table);
    if (!angles) return fail(angles.status());
    args.table = *angles;
    args.pairs = x.table->rotary() / 2;
    args.context = x.table->positions();
  }
  if (x.query_norm != nullptr || x.table != nullptr) {
    step(gpu::StepOp::rotate_rows, {.interleaved = x.pairing == rope::Pairing::interleaved}, args);
    barrier();
  }
  store(x.qkv + x.heads * dim, x.row, tokens_.keys(x.layer));
  store(x.qkv + (x.heads + kv_heads) * dim, x.row, tokens_.values(x.layer));
  end_op();
}

// A query of each text: its keys are divided among workgroups.
void RecorderExecutor::attend_texts(const PagedAttentionOperands& x) {
  const KvShape& shape = caches_->shape;
  const int64_t behind = x.window < 0 ? gpu::kSeesAll : x.window, texts = tokens_.cached_texts;
  gpu::AttentionArgs args;
  args.q = floats(x.q, (texts - 1) * x.q_row + x.heads * shape.head_dim);
  args.keys = tokens_.keys(x.layer), args.values = tokens_.values(x.layer);
  args.parts = caches_->parts;
  args.positions = tokens_.positions, args.rooms = tokens_.rooms;
  args.texts = texts, args.q_row = x.q_row;
  args.heads = x.heads, args.kv_heads = shape.kv_heads, args.dim = shape.head_dim;
  args.context = caches_->positions;
  args.behind = behind;
  args.scale = x.scale;
  step(gpu::StepOp::attention, {}, args);
  barrier();
  gpu::AttentionJoinArgs join;
  join.parts = caches_->parts;
  join.y = floats(x.y, (texts - 1) * x.y_row + x.heads * shape.head_dim);
  join.positions = tokens_.positions, join.rooms = tokens_.rooms;
  join.texts = texts, join.y_row = x.y_row;
  join.heads = x.heads, join.dim = shape.head_dim;
  join.context = caches_->positions;
  join.behind = behind;
  join.keys_of_split = caches_->keys_of_split;
  step(gpu::StepOp::attention_join, {}, join);
}

void RecorderExecutor::attend_rows(const PagedAttentionOperands& x) {
  const KvShape& shape = caches_->shape;
  gpu::AttentionTilesArgs args;
  args.heads = x.heads, args.kv_heads = shape.kv_heads, args.dim = shape.head_dim;
  args.q_rows = tokens_.rows, args.kv_rows = caches_->positions;
  args.q_row = x.q_row, args.y_row = x.y_row, args.kv_row = shape.kv_heads * shape.head_dim;
  args.q = floats(x.q, (args.q_rows - 1) * x.q_row + x.heads * shape.head_dim);
  args.keys = tokens_.keys(x.layer), args.values = tokens_.values(x.layer);
  args.y = floats(x.y, (args.q_rows - 1) * x.y_row + x.heads * shape.head_dim);
  args.tiles = tokens_.tiles;
  args.tile_count = tokens_.tile_count;
  args.behind = x.window < 0 ? gpu::kSeesAll : x.window;
  args.ahead = 0;
  args.scale = x.scale;
  args.by_address = true;
  step(gpu::StepOp::attention_tiles, {.dim = shape.head_dim}, args);
}

void RecorderExecutor::attention(const CachedBatch& batch, const PagedAttentionOperands& x) {
  if (!has_tokens(batch.tokens)) return;
  tokens_.rows == tokens_.cached_texts ? attend_texts(x) : attend_rows(x);
  end_op();
}

}  // namespace lathe::ops
