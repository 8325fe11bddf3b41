#include "packing_cost.h"

#include <algorithm>
#include <random>
#include <vector>

#include "base/memory.h"
#include "ops/matmul.h"
#include "platform/clock.h"
#include "tune/measure.h"
#include "tune/problem_text.h"

namespace lathe::cli {
namespace {

constexpr int kRuns = 5;  // the first, which also touches fresh memory, is one of them: so it is when a model is loaded

// Packing copies and permutes, so any bytes will do; zeros might not be in memory at all.
void fill(Buffer& buffer) {
  std::minstd_rand random(1);
  auto* words = buffer.as<uint32_t>();
  for (size_t i = 0; i < buffer.size() / sizeof(uint32_t); ++i) words[i] = static_cast<uint32_t>(random());
}

}  // namespace

Result<PackingCost> measure_packing(const matmul::Problem& problem, matmul::Layout layout, Team& team) {
  const auto bytes = tune::operand_bytes(problem);
  if (!bytes) return bytes.status();
  const int64_t parts = problem.gated ? 2 : 1, each = bytes->w / parts;
  auto source = Buffer::create(bytes->w + 64);
  if (!source) return source.status();
  fill(*source);
  const std::vector<float> scale(static_cast<size_t>(problem.n), 1.0f);
  std::vector<matmul::Source> sources;
  for (int64_t i = 0; i < parts; ++i)
    sources.push_back({problem.w, problem.order, source->data() + i * each,
                       problem.order == matmul::Order::nk ? problem.k : problem.n,
                       problem.w == matmul::Type::i8 ? scale.data() : nullptr});
  PackingCost cost;
  cost.layout = layout;
  cost.source_bytes = bytes->w;
  std::vector<double> ms;
  for (int run = 0; run < kRuns; ++run) {
    const int64_t begin = now_ns();
    const auto weights = ops::Weights::prepare(sources, problem.n, problem.k, layout, &team);
    ms.push_back(static_cast<double>(now_ns() - begin) * 1e-6);
    if (!weights) return weights.status();
    cost.packed_bytes = weights->bytes();
  }
  cost.ms = tune::summarize(std::move(ms)).median;
  return cost;
}

}  // namespace lathe::cli
