// Time of eight rows of a model's width, residual included, for each row of the table.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/norm/norm.h"

namespace lathe::norm {
namespace {

void normalise(benchmark::State& state, const Variant& variant, bool rms) {
  constexpr int64_t kRows = 8;
  const int64_t n = state.range(0);
  std::vector<float> x(static_cast<size_t>(kRows * n)), residual(x.size(), 0.5f), y(x.size());
  std::vector<float> weight(static_cast<size_t>(n), 1.5f), bias(static_cast<size_t>(n), 0.25f);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 37 % 256) / 64.0f - 2.0f;
  Args args = {.rows = kRows, .n = n, .x = x.data(), .x_row = n, .y = y.data(), .y_row = n};
  args.residual = residual.data(), args.residual_row = n;
  args.weight = weight.data(), args.bias = bias.data();
  for (auto _ : state) {
    (rms ? variant.rms_norm : variant.layer_norm)(args);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kRows * n);
}

[[maybe_unused]] const bool registered = [] {
  for (const Variant* variant : variants()) {
    if (!has_all(cpu_features(), isa_needs(variant->isa))) continue;
    for (const bool rms : {false, true}) {
      const std::string name = std::string(variant->name) + (rms ? "/rms_norm" : "/layer_norm");
      benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { normalise(state, *variant, rms); })
          ->Arg(384)
          ->Arg(1024)
          ->Arg(4096);
    }
  }
  return true;
}();

}  // namespace
}  // namespace lathe::norm
