// ns per element over rows of a size that stays in the L1 cache, for each function and each row of the table.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/activation/activation_backward.h"

namespace lathe::activation {
namespace {

constexpr int64_t kElements = 1024;

void gradient(benchmark::State& state, const BackwardVariant& variant, Function function, bool gated) {
  std::vector<float> x(kElements), up(kElements, 0.5f), dy(kElements, 0.25f), dx(kElements), dup(kElements);
  for (int64_t i = 0; i < kElements; ++i) x[static_cast<size_t>(i)] = static_cast<float>(i * 37 % 2048 - 1024) / 128.0f;
  for (auto _ : state) {
    if (gated)
      variant.gated(function, {1, kElements, x.data(), 0, up.data(), 0, dy.data(), 0, dx.data(), 0, dup.data(), 0});
    else
      variant.apply(function, {1, kElements, x.data(), 0, dy.data(), 0, dx.data(), 0});
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kElements);
}

[[maybe_unused]] const bool registered = [] {
  for (const BackwardVariant* variant : backward_variants()) {
    if (!has_all(cpu_features(), isa_needs(variant->isa))) continue;
    for (const Function function : kFunctions)
      for (const bool gated : {false, true}) {
        const std::string name =
            std::string(variant->name) + "/" + std::string(function_name(function)) + (gated ? "_gated" : "");
        benchmark::RegisterBenchmark(name.c_str(),
                                     [=](benchmark::State& state) { gradient(state, *variant, function, gated); });
      }
  }
  return true;
}();

}  // namespace
}  // namespace lathe::activation
