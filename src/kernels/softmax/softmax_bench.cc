// Time of eight rows of scores, for each row of the table.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/softmax/softmax.h"

namespace lathe::softmax {
namespace {

void softmax(benchmark::State& state, const Variant& variant) {
  constexpr int64_t kRows = 8;
  const int64_t n = state.range(0);
  std::vector<float> x(static_cast<size_t>(kRows * n)), y(x.size());
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 37 % 256) / 16.0f - 8.0f;
  Args args = {.rows = kRows, .n = n, .x = x.data(), .x_row = n, .valid = n, .y = y.data(), .y_row = n};
  args.scale = 0.125f;
  for (auto _ : state) {
    variant.run(args);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kRows * n);
}

[[maybe_unused]] const bool registered = [] {
  for (const Variant* variant : variants()) {
    if (!has_all(cpu_features(), isa_needs(variant->isa))) continue;
    benchmark::RegisterBenchmark(variant->name, [=](benchmark::State& state) { softmax(state, *variant); })
        ->Arg(17)
        ->Arg(128)
        ->Arg(512)
        ->Arg(4096);
  }
  return true;
}();

}  // namespace
}  // namespace lathe::softmax
