// Row operations of the recorder: words, norms, activations.
#include "ops/recorder_executor.h"

namespace lathe::ops {
namespace {

// A row is a workgroup: narrow rows, as heads are, take a small one.
constexpr int64_t kNarrow = 256;
int64_t threads_of(int64_t n) { return n <= kNarrow ? 64 : 256; }

std::optional<gpu::Activation> activation_of(activation::Function function) {
  switch (function) {
    case activation::Function::relu:
      return gpu::Activation::relu;
    case activation::Function::silu:
      return gpu::Activation::silu;
    case activation::Function::tanh:
      return gpu::Activation::tanh;
    case activation::Function::gelu_erf:
      return gpu::Activation::gelu_erf;
    case activation::Function::gelu_tanh:
      return gpu::Activation::gelu_tanh;
    default:
      return std::nullopt;
  }
}

}  // namespace

// `args` says the rest.
void RecorderExecutor::gather(const EmbeddingTable& words, const EmbeddingTable* positions, gpu::GatherRowsArgs args,
                              float* y) {
  const auto rows = memory_.rows(words);
  if (!rows) return fail(rows.status());
  args.w = rows->place;
  args.ids = tokens_.ids;
  args.tokens = tokens_.rows;
  args.vocabulary = words.rows();
  args.n = args.y_row = words.width();
  args.y = floats(y, args.tokens * args.n);
  if (positions != nullptr) {
    const auto table = memory_.floats(*positions);
    if (!table) return fail(table.status());
    args.table = *table;
    args.table_rows = positions->rows();
    args.positions = tokens_.positions;
  }
  step(gpu::StepOp::gather_rows, {.w = rows->type, .layout = rows->layout}, args);
  end_op();
}

void RecorderExecutor::embed_scaled(const TextBatch& batch, const EmbeddingTable& words, float scale, float* y) {
  if (!has_tokens(batch)) return;
  gpu::GatherRowsArgs args;
  args.alpha = scale;
  gather(words, nullptr, args, y);
}

void RecorderExecutor::embed_at_positions(const CachedBatch& batch, const EmbeddingTable& words,
                                          const EmbeddingTable& positions, float*, float* y) {
  if (has_tokens(batch.tokens)) gather(words, &positions, {}, y);
}

void RecorderExecutor::rms_norm(const norm::Args& x) {
  if (x.residual != nullptr || x.sum != nullptr || x.weight == nullptr)
    return refuse("an RMS norm of a sum, or without weights");
  gpu::RmsNormArgs args;
  args.x = floats(x.x, (x.rows - 1) * x.x_row + x.n);
  args.w = constant(x.weight, x.n);
  args.y = floats(x.y, (x.rows - 1) * x.y_row + x.n);
  args.rows = x.rows;
  args.n = x.n, args.x_row = x.x_row, args.y_row = x.y_row;
  args.epsilon = x.eps, args.offset = x.weight_offset;
  step(gpu::StepOp::rms_norm, {.threads = threads_of(x.n)}, args);
  end_op();
}

void RecorderExecutor::layer_norm(const norm::Args& x) {
  if (x.residual != nullptr || x.sum != nullptr || x.weight == nullptr)
    return refuse("a layer norm of a sum, or without weights");
  gpu::LayerNormArgs args;
  args.x = floats(x.x, (x.rows - 1) * x.x_row + x.n);
  args.w = constant(x.weight, x.n);
  if (x.bias != nullptr) args.bias = constant(x.bias, x.n);
  args.y = floats(x.y, (x.rows - 1) * x.y_row + x.n);
  args.rows = x.rows;
  args.n = x.n, args.x_row = x.x_row, args.y_row = x.y_row;
  args.epsilon = x.eps;
  step(gpu::StepOp::layer_norm, {.threads = threads_of(x.n)}, args);
  end_op();
}

void RecorderExecutor::residual_norms(const ResidualNorms& x) {
  gpu::ResidualNormsArgs args;
  args.x = floats(x.x, x.rows * x.n);
  args.post = constant(x.post, x.n);
  args.hidden = floats(x.hidden, x.rows * x.n);
  args.next = constant(x.next, x.n);
  args.y = floats(x.y, x.rows * x.n);
  args.rows = x.rows, args.n = x.n;
  args.epsilon = x.eps, args.offset = x.weight_offset;
  step(gpu::StepOp::residual_norms, {.threads = threads_of(x.n)}, args);
  end_op();
}

void RecorderExecutor::activate(activation::Function function, const activation::ApplyArgs& x) {
  const auto f = activation_of(function);
  if (!f) return refuse("an activation");
  gpu::ActivateArgs args;
  args.x = floats(x.x, (x.rows - 1) * x.x_row + x.n);
  args.y = floats(x.y, (x.rows - 1) * x.y_row + x.n);
  args.function = *f;
  args.rows = x.rows, args.n = x.n;
  args.x_row = x.x_row, args.y_row = x.y_row;
  step(gpu::StepOp::activate, {}, args);
  end_op();
}

void RecorderExecutor::gate(activation::Function function, const activation::GatedArgs& x) {
  const auto f = activation_of(function);
  if (!f) return refuse("an activation");
  gpu::ActivateArgs args;
  args.x = floats(x.gate, (x.rows - 1) * x.gate_row + x.n);
  args.up = floats(x.up, (x.rows - 1) * x.up_row + x.n);
  args.y = floats(x.y, (x.rows - 1) * x.y_row + x.n);
  args.function = *f;
  args.rows = x.rows, args.n = x.n;
  args.x_row = x.gate_row, args.up_row = x.up_row, args.y_row = x.y_row;
  step(gpu::StepOp::activate, {}, args);
  end_op();
}

// Neighbours of the rows that are wanted share a dispatch.
void RecorderExecutor::gather_norm(const GatherNorm& x) {
  for (size_t i = 0, end; i < x.rows.size(); i = end) {
    for (end = i + 1; end < x.rows.size() && x.rows[end] == x.rows[end - 1] + 1;) ++end;
    norm::Args rows{};
    rows.rows = static_cast<int64_t>(end - i);
    rows.n = rows.x_row = rows.y_row = x.n;
    rows.x = x.x + x.rows[i] * x.n;
    rows.weight = x.weight;
    rows.bias = x.bias;
    rows.weight_offset = x.weight_offset;
    rows.eps = x.eps;
    rows.y = x.y + static_cast<int64_t>(i) * x.n;
    x.bias != nullptr ? layer_norm(rows) : rms_norm(rows);
  }
}

}  // namespace lathe::ops
