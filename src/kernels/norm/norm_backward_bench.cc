// Bytes a second of the gradients of 512 rows, for each row of the table: input() reads x and dy and writes dx,
// weights() reads x and dy.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/norm/norm_backward.h"

namespace lathe::norm {
namespace {

enum class Part { rms_norm, layer_norm, weights };

void gradient(benchmark::State& state, const BackwardVariant& variant, Part part) {
  constexpr int64_t kRows = 512;
  const int64_t n = state.range(0);
  std::vector<float> x(static_cast<size_t>(kRows * n)), dy(x.size(), 0.5f), dx(x.size());
  std::vector<float> weight(static_cast<size_t>(n), 1.5f), dweight(weight.size()), dbias(weight.size());
  std::vector<float> scale(kRows), mean(kRows);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 37 % 256) / 64.0f - 2.0f;
  const BackwardArgs input = {.rows = kRows,
                              .n = n,
                              .x = x.data(),
                              .x_row = n,
                              .dy = dy.data(),
                              .dy_row = n,
                              .weight = weight.data(),
                              .dx = dx.data(),
                              .dx_row = n,
                              .scale = scale.data(),
                              .mean = mean.data()};
  const WeightGradientArgs weights = {.rows = kRows,
                                      .begin = 0,
                                      .end = n,
                                      .x = x.data(),
                                      .x_row = n,
                                      .dy = dy.data(),
                                      .dy_row = n,
                                      .scale = scale.data(),
                                      .mean = mean.data(),
                                      .dweight = dweight.data(),
                                      .dbias = dbias.data()};
  variant.layer_norm(input);
  for (auto _ : state) {
    if (part == Part::weights)
      variant.weights(weights);
    else
      (part == Part::rms_norm ? variant.rms_norm : variant.layer_norm)(input);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * kRows * n * (part == Part::weights ? 8 : 12));
}

[[maybe_unused]] const bool registered = [] {
  for (const BackwardVariant* variant : backward_variants()) {
    if (!has_all(cpu_features(), isa_needs(variant->isa))) continue;
    for (const auto& [name, part] :
         {std::pair{"/rms_norm", Part::rms_norm}, {"/layer_norm", Part::layer_norm}, {"/weights", Part::weights}})
      benchmark::RegisterBenchmark((std::string(variant->name) + name).c_str(),
                                   [=, part = part](benchmark::State& state) { gradient(state, *variant, part); })
          ->Arg(288)
          ->Arg(768)
          ->Arg(2048);
  }
  return true;
}();

}  // namespace
}  // namespace lathe::norm
