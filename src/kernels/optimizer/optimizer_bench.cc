// Bytes a second from memory: AdamW over 16 million elements (4 arrays of 64 MiB, 28 bytes an element), square_sum (4)
// and add (12) of as many, for each row of the table. Beside them `stream`, AdamW's traffic with one addition a word:
// what the memory gives to four streams read and three written back.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/optimizer/optimizer.h"

namespace lathe::optimizer {
namespace {

constexpr int64_t kElements = int64_t{1} << 24;

struct Arrays {
  std::vector<float> w, g, m, v;
  Arrays() : w(kElements, 1.0f), g(kElements, 1e-3f), m(kElements, 0.0f), v(kElements, 0.0f) {}
};
Arrays& arrays() {
  static Arrays all;
  return all;
}

void adamw(benchmark::State& state, const Variant& variant) {
  Arrays& x = arrays();
  const AdamWArgs args = {.n = kElements,
                          .w = x.w.data(),
                          .g = x.g.data(),
                          .m = x.m.data(),
                          .v = x.v.data(),
                          .keep = 0.9999f,
                          .beta1 = 0.9f,
                          .beta2 = 0.95f,
                          .step = 1e-3f,
                          .root = 1.0f,
                          .eps = 1e-8f};
  for (auto _ : state) variant.adamw(args);
  state.SetBytesProcessed(state.iterations() * kElements * 28);
}

// A run of 1024 elements of g is read from memory once and twice more from the first-level cache.
void stream(benchmark::State& state, const Variant& variant) {
  constexpr int64_t kRun = 1024;
  Arrays& x = arrays();
  for (auto _ : state)
    for (int64_t i = 0; i < kElements; i += kRun)
      for (std::vector<float>* to : {&x.w, &x.m, &x.v}) variant.add(to->data() + i, x.g.data() + i, kRun);
  state.SetBytesProcessed(state.iterations() * kElements * 28);
}

void square_sum(benchmark::State& state, const Variant& variant) {
  for (auto _ : state) benchmark::DoNotOptimize(variant.square_sum(arrays().g.data(), kElements));
  state.SetBytesProcessed(state.iterations() * kElements * 4);
}

void add(benchmark::State& state, const Variant& variant) {
  for (auto _ : state) variant.add(arrays().w.data(), arrays().g.data(), kElements);
  state.SetBytesProcessed(state.iterations() * kElements * 12);
}

[[maybe_unused]] const bool registered = [] {
  for (const Variant* variant : variants()) {
    if (!has_all(cpu_features(), isa_needs(variant->isa))) continue;
    const std::string name = variant->name;
    benchmark::RegisterBenchmark((name + "/stream").c_str(), [=](benchmark::State& s) { stream(s, *variant); });
    benchmark::RegisterBenchmark((name + "/adamw").c_str(), [=](benchmark::State& s) { adamw(s, *variant); });
    benchmark::RegisterBenchmark((name + "/square_sum").c_str(), [=](benchmark::State& s) { square_sum(s, *variant); });
    benchmark::RegisterBenchmark((name + "/add").c_str(), [=](benchmark::State& s) { add(s, *variant); });
  }
  return true;
}();

}  // namespace
}  // namespace lathe::optimizer
