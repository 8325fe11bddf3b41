// Time of one token at the vocabularies of Llama 2, Llama 3 and Qwen2.5.
#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "sample/random.h"
#include "sample/sampler.h"

namespace lathe::sample {
namespace {

// A sum of uniform numbers, and a few far above: about what a model's logits look like.
std::vector<float> made_logits(int64_t count) {
  std::vector<float> logits;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t bits = random_bits(7, static_cast<uint64_t>(i));
    float sum = 0;
    for (int part = 0; part < 4; ++part) sum += static_cast<float>(bits >> (16 * part) & 0xFFFF) * 0x1p-14f - 2.0f;
    logits.push_back(sum + (i % 997 == 0 ? 8.0f : 0.0f));
  }
  return logits;
}

void run(benchmark::State& state, const SamplerOptions& options) {
  const auto logits = made_logits(state.range(0));
  auto sampler = Sampler::create(options, state.range(0));
  if (!sampler.ok()) return state.SkipWithError(sampler.status().message().c_str());
  for (auto _ : state) benchmark::DoNotOptimize(sampler->sample(logits));
}

void greedy(benchmark::State& state) { run(state, {}); }
void top_k_top_p(benchmark::State& state) { run(state, {.temperature = 0.8f, .top_k = 40, .top_p = 0.9f}); }
void top_p(benchmark::State& state) { run(state, {.temperature = 1.0f, .top_p = 0.9f}); }
void hot(benchmark::State& state) { run(state, {.temperature = 10.0f, .top_p = 0.9f}); }

BENCHMARK(greedy)->Arg(32000)->Arg(128256)->Arg(151936);
BENCHMARK(top_k_top_p)->Arg(32000)->Arg(128256)->Arg(151936);
BENCHMARK(top_p)->Arg(151936);
BENCHMARK(hot)->Arg(151936);

}  // namespace
}  // namespace lathe::sample
