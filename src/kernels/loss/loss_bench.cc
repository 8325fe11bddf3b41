// ns per logit of eight rows of a vocabulary, with the gradient and without, for each row of the table. A gradient is
// the next turn's logits: the time does not depend on the values.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/loss/loss.h"

namespace lathe::loss {
namespace {

void cross_entropy(benchmark::State& state, const Variant& variant, bool gradient) {
  constexpr int64_t kRows = 8;
  const int64_t n = state.range(0);
  std::vector<float> x(static_cast<size_t>(kRows * n));
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 37 % 256) / 16.0f - 8.0f;
  const std::vector<int32_t> targets(kRows, 5);
  std::vector<double> loss(kRows);
  const Args args = {.rows = kRows,
                     .n = n,
                     .x = x.data(),
                     .x_row = n,
                     .targets = targets.data(),
                     .gradient = gradient,
                     .loss = loss.data()};
  for (auto _ : state) {
    variant.cross_entropy(args);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kRows * n);
}

[[maybe_unused]] const bool registered = [] {
  for (const Variant* variant : variants()) {
    if (!has_all(cpu_features(), isa_needs(variant->isa))) continue;
    for (const bool gradient : {false, true}) {
      const std::string name = std::string(variant->name) + (gradient ? "/gradient" : "/loss");
      benchmark::RegisterBenchmark(name.c_str(),
                                   [=](benchmark::State& state) { cross_entropy(state, *variant, gradient); })
          ->Arg(512)
          ->Arg(32000);
    }
  }
  return true;
}();

}  // namespace
}  // namespace lathe::loss
