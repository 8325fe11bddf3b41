#include "ops/window_attention.h"

#include "base/checked.h"

namespace lathe::ops {
namespace {

int64_t first_token(const WindowAttention& x, int64_t window) {
  return x.offsets != nullptr ? x.offsets[window] : window * x.length;
}

struct Item {
  int64_t token, length, kv_head, head, lse;
  Item(const WindowAttention& x, int64_t item) {
    const int64_t window = item / x.kv_heads, group = x.heads / x.kv_heads;
    token = first_token(x, window);
    length = first_token(x, window + 1) - token;
    kv_head = item % x.kv_heads;
    head = kv_head * group;
    lse = token * x.heads + head * length;
  }
};

attention::CausalArgs forward_args(const WindowAttention& x, const Item& item, int worker) {
  attention::CausalArgs args;
  const int64_t y_row = x.heads * x.head_dim;
  args.length = item.length;
  args.head_dim = x.head_dim;
  args.heads = x.heads / x.kv_heads;
  args.causal = x.causal;
  args.scale = x.scale;
  args.q = x.q + item.token * x.q_row + item.head * x.head_dim;
  args.q_row = x.q_row;
  args.k = x.k + item.token * x.k_row + item.kv_head * x.head_dim;
  args.k_row = x.k_row;
  args.v = x.v + item.token * x.v_row + item.kv_head * x.head_dim;
  args.v_row = x.v_row;
  args.y = x.y + item.token * y_row + item.head * x.head_dim;
  args.y_row = y_row;
  args.lse = x.lse + item.lse;
  args.scratch = x.scratch + worker * window_attention_scratch(x.length, x.head_dim);
  return args;
}

// Pairs that see each other, times the width.
double pairs(const WindowAttention& x) {
  double sum = 0;
  for (int64_t i = 0; i < x.windows; ++i) {
    const auto length = static_cast<double>(first_token(x, i + 1) - first_token(x, i));
    sum += x.causal ? length * (length + 1) / 2 : length * length;
  }
  return static_cast<double>(x.heads * x.head_dim) * sum;
}

}  // namespace

int64_t window_attention_scratch(int64_t length, int64_t head_dim) {
  return round_up(attention::causal_scratch_bytes(length, head_dim), 64);
}

void attend_windows(Team::Worker& worker, const attention::CausalVariant& kernel, const WindowAttention& x,
                    int counter) noexcept {
  const int64_t items = x.windows * x.kv_heads;
  for (int64_t i = worker.next(counter); i < items; i = worker.next(counter))
    kernel.forward(forward_args(x, Item(x, i), worker.id()));
}

void attend_windows_back(Team::Worker& worker, const attention::CausalVariant& kernel, const WindowAttention& x,
                         const WindowAttentionGradient& g, int counter) noexcept {
  const int64_t items = x.windows * x.kv_heads;
  for (int64_t i = worker.next(counter); i < items; i = worker.next(counter)) {
    const Item item(x, i);
    attention::CausalBackwardArgs args;
    args.forward = forward_args(x, item, worker.id());
    args.dy = g.dy + item.token * args.forward.y_row + item.head * x.head_dim;
    args.dy_row = args.forward.y_row;
    args.dq = g.dq + item.token * g.dq_row + item.head * x.head_dim;
    args.dq_row = g.dq_row;
    args.dk = g.dk + item.token * g.dk_row + item.kv_head * x.head_dim;
    args.dk_row = g.dk_row;
    args.dv = g.dv + item.token * g.dv_row + item.kv_head * x.head_dim;
    args.dv_row = g.dv_row;
    kernel.backward(args);
  }
}

double window_attention_flops(const WindowAttention& x) { return 4 * pairs(x); }
double window_attention_back_flops(const WindowAttention& x) { return 10 * pairs(x); }

}  // namespace lathe::ops
