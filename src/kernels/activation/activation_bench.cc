// ns per element over rows of a size that stays in the L1 cache, for each function and each row of the table.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/activation/activation.h"

namespace lathe::activation {
namespace {

void apply(benchmark::State& state, const Variant& variant, Function function) {
  constexpr int64_t kElements = 2048;
  std::vector<float> x(kElements), y(kElements);
  for (int64_t i = 0; i < kElements; ++i) x[static_cast<size_t>(i)] = static_cast<float>(i * 37 % 2048 - 1024) / 128.0f;
  for (auto _ : state) {
    variant.apply(function, {1, kElements, x.data(), 0, y.data(), 0});
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kElements);
}

[[maybe_unused]] const bool registered = [] {
  for (const Variant* variant : variants()) {
    if (!has_all(cpu_features(), isa_needs(variant->isa))) continue;
    for (const Function function : kFunctions) {
      const std::string name = std::string(variant->name) + "/" + std::string(function_name(function));
      benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { apply(state, *variant, function); });
    }
  }
  return true;
}();

}  // namespace
}  // namespace lathe::activation
