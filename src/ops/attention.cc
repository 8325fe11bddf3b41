#include "ops/attention.h"

#include <algorithm>

namespace lathe::ops {
namespace {

// Rows [first, first + rows) of one head of the text at `begin`, which has `keys` tokens.
void run_head(const attention::Variant& kernel, const AttentionOperands& x, std::byte* scratch, int64_t begin,
              int64_t keys, int64_t head, int64_t first) {
  const int64_t text = begin * x.qkv_row;
  const int64_t kv_head = x.kv_heads == 0 ? head : head * x.kv_heads / x.heads;
  attention::Args args;
  args.rows = std::min(kAttentionRows, keys - first);
  args.keys = keys;
  args.head_dim = x.head_dim;
  args.first = first;
  args.q = x.q + text + first * x.qkv_row + head * x.head_dim;
  args.k = x.k + text + kv_head * x.head_dim;
  args.v = x.v + text + kv_head * x.head_dim;
  args.q_row = args.k_row = args.v_row = x.qkv_row;
  args.scale = x.scale;
  args.window = x.window;
  args.y = x.y + (begin + first) * x.y_row + head * x.head_dim;
  args.y_row = x.y_row;
  args.scratch = scratch;
  kernel.run(args);
}

}  // namespace

void attend(Team::Worker& worker, const attention::Variant& kernel, const TextBatch& batch, const AttentionOperands& x,
            int counter) noexcept {
  std::byte* scratch = x.scratch + worker.id() * attention_scratch_bytes(x.head_dim);
  int64_t claims_before = 0;  // of the texts before this one
  size_t text = 0;
  const auto length = [&](size_t i) { return batch.offsets[i + 1] - batch.offsets[i]; };
  const auto claims = [&](size_t i) { return x.heads * ceil_div(length(i), kAttentionRows); };
  for (;;) {
    const int64_t claim = worker.next(counter);
    while (text + 1 < batch.offsets.size() && claim >= claims_before + claims(text)) claims_before += claims(text++);
    if (text + 1 >= batch.offsets.size()) return;
    const int64_t item = claim - claims_before;
    run_head(kernel, x, scratch, batch.offsets[text], length(text), item % x.heads, item / x.heads * kAttentionRows);
  }
}

double attention_flops(const TextBatch& batch, const AttentionOperands& x) {
  double pairs = 0;
  for (size_t i = 0; i + 1 < batch.offsets.size(); ++i) {
    const auto length = static_cast<double>(batch.offsets[i + 1] - batch.offsets[i]);
    pairs += length * length;
  }
  return 4 * pairs * static_cast<double>(x.heads * x.head_dim);
}

}  // namespace lathe::ops
