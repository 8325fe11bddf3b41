// Bytes a second of one query against vectors of 384, for each row of the table: 100,000 of them come from memory, 200
// lie in the caches.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/scan/scan.h"

namespace lathe::scan {
namespace {

void scan(benchmark::State& state, Kernel kernel, int64_t element) {
  constexpr int64_t kDim = 384;
  const int64_t vectors = state.range(0);
  std::vector<uint32_t> data(static_cast<size_t>(vectors * kDim * element / 4), 0x3c013c01u);
  const std::vector<float> query(kDim, 0.25f), scale(static_cast<size_t>(vectors), 0.01f);
  const std::vector<int16_t> levels(kDim, 99);
  std::vector<float> scores(static_cast<size_t>(vectors));
  for (auto _ : state) {
    kernel({.vectors = vectors,
            .dim = kDim,
            .data = data.data(),
            .query = query.data(),
            .levels = levels.data(),
            .level_scale = 1,
            .scale = scale.data(),
            .scores = scores.data()});
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * vectors);
  state.SetBytesProcessed(state.iterations() * vectors * kDim * element);
}

void add(const std::string& name, Kernel kernel, int64_t element) {
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { scan(state, kernel, element); })
      ->Arg(200)
      ->Arg(100'000);
}

[[maybe_unused]] const bool registered = [] {
  for (const Variant* variant : variants()) {
    if (!has_all(cpu_features(), isa_needs(variant->isa))) continue;
    add(std::string(variant->name) + ".f32", variant->f32, 4);
    add(std::string(variant->name) + ".bf16", variant->bf16, 2);
    add(std::string(variant->name) + ".s8", variant->s8, 1);
  }
  return true;
}();

}  // namespace
}  // namespace lathe::scan
