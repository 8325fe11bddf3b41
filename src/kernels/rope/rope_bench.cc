// Time of 16 tokens of 12 heads, in place, for each row of the table and each pairing.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/rope/rope.h"

namespace lathe::rope {
namespace {

void rotate(benchmark::State& state, const Variant& variant, Pairing pairing) {
  constexpr int64_t kTokens = 16, kHeads = 12;
  const int64_t head_dim = state.range(0);
  std::vector<float> x(static_cast<size_t>(kTokens * kHeads * head_dim), 0.5f);
  std::vector<float> cos(static_cast<size_t>(kTokens * head_dim / 2)), sin(cos.size());
  build_table({.count = kTokens, .rotary = head_dim}, cos.data(), sin.data());
  std::vector<int32_t> positions(kTokens);
  for (size_t t = 0; t < positions.size(); ++t) positions[t] = static_cast<int32_t>(t);
  const Args args = {.tokens = kTokens,
                     .heads = kHeads,
                     .head_dim = head_dim,
                     .rotary = head_dim,
                     .pairing = pairing,
                     .x = x.data(),
                     .x_token = kHeads * head_dim,
                     .x_head = head_dim,
                     .y = x.data(),
                     .y_token = kHeads * head_dim,
                     .y_head = head_dim,
                     .positions = positions.data(),
                     .cos = cos.data(),
                     .sin = sin.data()};
  for (auto _ : state) {  // a rotation keeps the length, so the values stay as large as they are
    variant.run(args);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kTokens * kHeads * head_dim);
}

[[maybe_unused]] const bool registered = [] {
  for (const Variant* variant : variants()) {
    if (!has_all(cpu_features(), isa_needs(variant->isa))) continue;
    for (const Pairing pairing : {Pairing::interleaved, Pairing::halves}) {
      const std::string name = std::string(variant->name) + "/" + std::string(pairing_name(pairing));
      benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { rotate(state, *variant, pairing); })
          ->Arg(64)
          ->Arg(128);
    }
  }
  return true;
}();

}  // namespace
}  // namespace lathe::rope
