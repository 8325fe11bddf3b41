// Forward and backward of one head of keys and the query heads that share it, for each row of the table. The flops are
// those of the pairs that see each other: 4 * head_dim a pair forward, 10 backward (the scores once more, and four
// gradients).
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/memory.h"
#include "kernels/attention/causal_attention.h"

namespace lathe::attention {
namespace {

std::vector<float> values(int64_t n, float deviation) {
  std::vector<float> x(static_cast<size_t>(n));
  uint32_t state = 1;
  for (float& v : x)
    v = deviation * (static_cast<float>((state = state * 1664525u + 1013904223u) >> 8) * 0x1p-23f - 1.0f);
  return x;
}

// Queries, keys and values as a fused projection of 6 heads leaves them, their gradients likewise.
void attend(benchmark::State& state, const CausalVariant& variant, bool backward) {
  const int64_t length = state.range(0), head_dim = state.range(1), heads = state.range(2);
  const int64_t model = 6 * heads * head_dim, row = model + 2 * 6 * head_dim;
  const std::vector<float> qkv = values(length * row, 1.0f), dy = values(length * model, 1.0f);
  std::vector<float> y(dy.size()), gradient(qkv.size()), lse(static_cast<size_t>(heads * length));
  Buffer scratch = *Buffer::create(causal_scratch_bytes(length, head_dim));
  CausalBackwardArgs b;
  b.forward = {.length = length, .head_dim = head_dim, .heads = heads, .scale = 0.125f};
  b.forward.q = qkv.data(), b.forward.k = qkv.data() + model, b.forward.v = b.forward.k + 6 * head_dim;
  b.forward.q_row = b.forward.k_row = b.forward.v_row = row;
  b.forward.y = y.data(), b.forward.y_row = model;
  b.forward.lse = lse.data();
  b.forward.scratch = scratch.data();
  b.dy = dy.data(), b.dy_row = model;
  b.dq = gradient.data(), b.dk = gradient.data() + model, b.dv = b.dk + 6 * head_dim;
  b.dq_row = b.dk_row = b.dv_row = row;
  variant.forward(b.forward);
  for (auto _ : state) {
    if (backward)
      variant.backward(b);
    else
      variant.forward(b.forward);
    benchmark::ClobberMemory();
  }
  const int64_t pairs = heads * length * (length + 1) / 2, flops = (backward ? 10 : 4) * pairs * head_dim;
  state.counters["flops"] =
      benchmark::Counter(static_cast<double>(flops), benchmark::Counter::kIsIterationInvariantRate);
}

[[maybe_unused]] const bool registered = [] {
  for (const CausalVariant* variant : causal_variants()) {
    if (!has_all(cpu_features(), isa_needs(variant->isa))) continue;
    for (const bool backward : {false, true}) {
      const std::string name = std::string(variant->name) + (backward ? "/backward" : "/forward");
      auto* bench = benchmark::RegisterBenchmark(name.c_str(),
                                                 [=](benchmark::State& state) { attend(state, *variant, backward); });
      for (const auto& shape : {std::vector<int64_t>{64, 32, 1},
                                {256, 48, 1},
                                {256, 64, 1},
                                {256, 48, 4},
                                {256, 64, 8},
                                {1024, 64, 1},
                                {2048, 64, 2}})
        bench->Args(shape);
    }
  }
  return true;
}();

}  // namespace
}  // namespace lathe::attention
