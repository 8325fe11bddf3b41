// Row operations of the recorder: words, norms.
#include "ops/recorder_executor.h"

namespace lathe::ops {

void RecorderExecutor::embed_scaled(const TextBatch& batch, const EmbeddingTable& words, float scale, float* y) {
  if (!is_one_token(batch)) return;
  const auto rows = memory_.rows(words);
  if (!rows) return fail(rows.status());
  gpu::GatherArgs args;
  args.w = rows->place;
  args.state = state_;
  args.y = floats(y, words.width());
  args.vocabulary = words.rows();
  args.n = words.width();
  args.alpha = scale;
  step(gpu::StepOp::gather, {.w = rows->type}, args);
  end_op();
}

// A row is a workgroup: narrow rows, as heads are, take a small one.
void RecorderExecutor::rms_norm_rows(const gpu::RmsNormArgs& args) {
  constexpr int64_t kNarrow = 256;
  step(gpu::StepOp::rms_norm, {.threads = args.n <= kNarrow ? 64 : 256}, args);
}

void RecorderExecutor::rms_norm(const norm::Args& x) {
  if (x.residual != nullptr || x.sum != nullptr || x.weight == nullptr)
    return fail(unsupported("an RMS norm of a sum, or without weights: the device has no kernel for it yet"));
  gpu::RmsNormArgs args;
  args.x = floats(x.x, (x.rows - 1) * x.x_row + x.n);
  args.w = constant(x.weight, x.n);
  args.y = floats(x.y, (x.rows - 1) * x.y_row + x.n);
  args.rows = x.rows;
  args.n = x.n, args.x_row = x.x_row, args.y_row = x.y_row;
  args.epsilon = x.eps, args.offset = x.weight_offset;
  rms_norm_rows(args);
  end_op();
}

void RecorderExecutor::gather_norm(const GatherNorm& x) {
  for (size_t i = 0; i < x.rows.size(); ++i) {
    norm::Args row{};
    row.rows = 1;
    row.n = row.x_row = row.y_row = x.n;
    row.x = x.x + x.rows[i] * x.n;
    row.weight = x.weight;
    row.bias = x.bias;
    row.weight_offset = x.weight_offset;
    row.eps = x.eps;
    row.y = x.y + static_cast<int64_t>(i) * x.n;
    x.bias != nullptr ? layer_norm(row) : rms_norm(row);
  }
}

}  // namespace lathe::ops
