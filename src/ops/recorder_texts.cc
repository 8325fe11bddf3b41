// Texts that see themselves alone, for the recorder: embeddings, rotation, attention, pooling.
#include <algorithm>

#include "ops/recorder_executor.h"

namespace lathe::ops {
namespace {

gpu::PoolMode mode_of(Pooling pooling) {
  switch (pooling) {
    case Pooling::cls:
      return gpu::PoolMode::first;
    case Pooling::last_token:
      return gpu::PoolMode::last;
    case Pooling::max:
      return gpu::PoolMode::largest;
    case Pooling::mean_sqrt_len:
      return gpu::PoolMode::mean_sqrt_length;
    case Pooling::weighted_mean:
      return gpu::PoolMode::weighted_mean;
    case Pooling::mean:
      break;
  }
  return gpu::PoolMode::mean;
}

}  // namespace

bool RecorderExecutor::has_texts(const TextBatch& batch) {
  if (batch.texts() != tokens_.texts)
    fail(failed("a pass of " + std::to_string(batch.texts()) + " texts, needed: the " + std::to_string(tokens_.texts) +
                " that are recorded"));
  return has_tokens(batch);
}

void RecorderExecutor::embed(const TextBatch& batch, const EmbedOperands& x) {
  if (!has_tokens(batch)) return;
  const int64_t width = x.words->width();
  gpu::GatherRowsArgs args;
  if (x.type != nullptr) args.type = constant(x.type, width);
  args.first = x.first_position;
  gather(*x.words, x.positions, args, x.y);
  sync();
  norm::Args norm = x.norm;
  norm.rows = batch.tokens();
  norm.n = norm.x_row = norm.y_row = width;
  norm.x = norm.y = x.y;
  layer_norm(norm);
}

void RecorderExecutor::rotate(const TextBatch& batch, const RotateOperands& x) {
  if (!has_tokens(batch)) return;
  const auto angles = memory_.angles(*x.table);
  if (!angles) return fail(angles.status());
  gpu::RotateRowsArgs args;
  args.x = floats(x.x, (batch.tokens() - 1) * x.row + (x.heads + x.kv_heads) * x.head_dim);
  args.table = *angles, args.positions = tokens_.positions;
  if (x.query_norm != nullptr) args.query_norm = constant(x.query_norm, x.head_dim);
  if (x.key_norm != nullptr) args.key_norm = constant(x.key_norm, x.head_dim);
  args.tokens = batch.tokens(), args.heads = x.heads, args.kv_heads = x.kv_heads;
  args.dim = x.head_dim, args.pairs = x.table->rotary() / 2, args.row = x.row;
  args.context = x.table->positions();
  args.epsilon = x.eps, args.offset = x.weight_offset;
  step(gpu::StepOp::rotate_rows, {}, args);
  end_op();
}

void RecorderExecutor::attention(const TextBatch& batch, const AttentionOperands& x) {
  if (!has_tokens(batch)) return;
  const int64_t tokens = batch.tokens(), kv_heads = x.kv_heads == 0 ? x.heads : x.kv_heads;
  gpu::AttentionTilesArgs args;
  args.q = floats(x.q, (tokens - 1) * x.qkv_row + x.heads * x.head_dim);
  args.keys = floats(x.k, (tokens - 1) * x.qkv_row + kv_heads * x.head_dim);
  args.values = floats(x.v, (tokens - 1) * x.qkv_row + kv_heads * x.head_dim);
  args.y = floats(x.y, (tokens - 1) * x.y_row + x.heads * x.head_dim);
  args.tiles = tokens_.tiles, args.tile_count = tokens_.tile_count;
  args.heads = x.heads, args.kv_heads = kv_heads, args.dim = x.head_dim;
  args.q_rows = args.kv_rows = tokens;
  args.q_row = args.kv_row = x.qkv_row, args.y_row = x.y_row;
  args.scale = x.scale;
  if (x.window >= 0) args.behind = args.ahead = std::min(x.window, gpu::kSeesAll);
  step(gpu::StepOp::attention_tiles, {.dim = x.head_dim}, args);
  end_op();
}

void RecorderExecutor::pool(const TextBatch& batch, const PoolOperands& x) {
  if (!has_texts(batch)) return;
  const int64_t texts = batch.texts(), row = x.width * std::ssize(x.modes);
  for (size_t i = 0; i < x.modes.size(); ++i) {
    gpu::PoolArgs args;
    args.mode = mode_of(x.modes[i]);
    args.x = floats(x.x, batch.tokens() * x.width);
    args.offsets = tokens_.offsets;
    if (!x.skip.empty()) args.skip = tokens_.skip;
    args.y = floats(x.y + static_cast<int64_t>(i) * x.width, (texts - 1) * row + x.width);
    args.texts = texts, args.tokens = batch.tokens(), args.width = x.width, args.y_row = row;
    step(gpu::StepOp::pool, {}, args);
  }
  if (!x.normalize) return end_op();
  sync();
  normalize_rows(x.y, texts, row, x.keep);
}

void RecorderExecutor::normalize_rows(float* y, int64_t rows, int64_t row, int64_t keep) {
  gpu::NormalizeRowsArgs args;
  args.y = floats(y, (rows - 1) * row + keep);
  args.rows = rows, args.n = keep, args.row = row;
  step(gpu::StepOp::normalize_rows, {.threads = keep <= 256 ? 64 : 256}, args);
  end_op();
}

}  // namespace lathe::ops
