// Time of one head of one text, for each row of the table.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/memory.h"
#include "kernels/attention/attention.h"

namespace lathe::attention {
namespace {

// Queries, keys and values as a fused projection leaves them: 3 * 12 heads a row.
void attend(benchmark::State& state, const Variant& variant) {
  const int64_t keys = state.range(0), head_dim = state.range(1), row = 3 * 12 * head_dim;
  std::vector<float> qkv(static_cast<size_t>(keys * row)), y(static_cast<size_t>(keys * head_dim));
  for (size_t i = 0; i < qkv.size(); ++i) qkv[i] = static_cast<float>(i * 37 % 256) / 128.0f - 1.0f;
  Buffer scratch = *Buffer::create(scratch_bytes(head_dim));
  Args a = {.rows = keys, .keys = keys, .head_dim = head_dim, .q = qkv.data(), .q_row = row};
  a.k = qkv.data() + row / 3, a.k_row = row;
  a.v = qkv.data() + 2 * row / 3, a.v_row = row;
  a.scale = 0.125f;
  a.y = y.data(), a.y_row = head_dim;
  a.scratch = scratch.data();
  for (auto _ : state) {
    variant.run(a);
    benchmark::ClobberMemory();
  }
  state.counters["flops"] = benchmark::Counter(static_cast<double>(4 * keys * keys * head_dim),
                                               benchmark::Counter::kIsIterationInvariantRate);
}

[[maybe_unused]] const bool registered = [] {
  for (const Variant* variant : variants()) {
    if (!has_all(cpu_features(), isa_needs(variant->isa))) continue;
    benchmark::RegisterBenchmark(variant->name, [=](benchmark::State& state) {
      attend(state, *variant);
    })->ArgsProduct({{11, 64, 128, 512}, {32, 64}});
  }
  return true;
}();

}  // namespace
}  // namespace lathe::attention
