// Every kernel of the table that runs here, alone and with the team, at a few shapes. One weight is used again and
// again, so what fits into the caches is timed hot; `lathe probe matmul` measures cold, beside the machine's ceilings.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "ops/matmul.h"
#include "platform/machine.h"

namespace lathe::ops {
namespace {

using matmul::Layout;
using matmul::Order;
using matmul::Problem;
using matmul::Type;
using matmul::Variant;

// One row and a prompt's worth at a small model's width, a single token through a large layer, ragged edges.
constexpr std::array<int64_t, 3> kShapes[] = {{1, 384, 384}, {64, 1536, 384}, {1, 4096, 1024}, {17, 1001, 333}};

// The problem of this shape that the variant is made for.
Problem problem_of(const Variant& v, const std::array<int64_t, 3>& shape) {
  Problem p;
  p.m = shape[0], p.n = shape[1], p.k = shape[2];
  p.a = v.a;
  p.w = v.w;
  p.c = v.a == Type::f32 ? Type::f32 : Type::s32;
  p.prepared = v.layout != Layout::rows_f32 && v.layout != Layout::cols_f32;
  p.order = v.layout == Layout::rows_f32 ? Order::kn : Order::nk;
  return p;
}

// Finite values without zeros, for either type of activations.
std::vector<std::byte> activations(const Problem& p) {
  const size_t count = static_cast<size_t>(p.m * p.k);
  if (p.a != Type::f32) {
    std::vector<std::byte> bytes(count);
    for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i * 37 % 127 + 1);
    return bytes;
  }
  std::vector<std::byte> bytes(count * sizeof(float));
  float* a = reinterpret_cast<float*>(bytes.data());
  for (size_t i = 0; i < count; ++i) a[i] = static_cast<float>(i * 37 % 255) / 128.0f - 0.99f;
  return bytes;
}

// The packer reaches every layout from f32, but for the plain integers.
Result<Weights> prepare(const Problem& p, const Variant& v, const std::vector<float>& w) {
  std::vector<int8_t> integers;
  matmul::Source source = {.type = Type::f32, .order = p.order, .data = w.data(), .ld = p.k};
  if (p.w == Type::s8) {
    integers.resize(w.size(), 3);
    source.type = Type::s8;
    source.data = integers.data();
  }
  return Weights::prepare({&source, 1}, p.n, p.k, v.layout, nullptr);
}

// A product that is ready to run, or the reason why it is not.
Status run(benchmark::State& state, const Variant& variant, const Problem& p, int threads) {
  auto team = Team::create({.threads = threads});
  if (!team) return team.status();
  auto plan = MatmulPlan::create(p, &variant, threads);
  if (!plan) return plan.status();
  auto workspace = Buffer::create(plan->workspace_bytes());
  if (!workspace) return workspace.status();
  std::vector<float> w(static_cast<size_t>(p.n * p.k));
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i * 53 % 251) / 128.0f - 0.98f;
  Weights weights;
  if (p.prepared) {
    auto prepared = prepare(p, variant, w);
    if (!prepared) return prepared.status();
    weights = std::move(*prepared);
  }
  const std::vector<std::byte> a = activations(p);
  std::vector<float> c(static_cast<size_t>(p.m * p.n));
  MatmulOperands x;
  x.a = a.data(), x.lda = p.k;
  x.weights = &weights;
  x.w = w.data(), x.ldw = p.order == Order::nk ? p.k : p.n;
  x.c = c.data(), x.ldc = p.n;
  for (auto _ : state) {
    (*team)->run([&](Team::Worker& worker) { plan->run(worker, x, workspace->data()); }, plan->active_workers());
    benchmark::ClobberMemory();
  }
  return {};
}

void product(benchmark::State& state, const Variant& variant, const Problem& p, int threads) {
  if (const Status status = run(state, variant, p, threads); !status.ok())
    return state.SkipWithError(status.message().c_str());
  const Cost work = cost(p);
  state.counters["FLOP/s"] = benchmark::Counter(work.flops, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["B/s"] =
      benchmark::Counter(work.bytes, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

void add(const Variant& v, const std::array<int64_t, 3>& shape, int threads) {
  const Problem p = problem_of(v, shape);
  if (!matmul::refusal(v, p, cpu_features()).empty()) return;
  const std::string name = std::string(v.name) + "/" + std::to_string(p.m) + "x" + std::to_string(p.n) + "x" +
                           std::to_string(p.k) + "/threads:" + std::to_string(threads);
  benchmark::RegisterBenchmark(name.c_str(),
                               [&v, p, threads](benchmark::State& state) { product(state, v, p, threads); })
      ->MeasureProcessCPUTime()
      ->UseRealTime();
}

[[maybe_unused]] const bool registered = [] {
  const int recommended = this_machine().threads;
  for (const Variant* v : matmul::variants())
    for (const auto& shape : kShapes) {
      add(*v, shape, 1);
      if (recommended > 1) add(*v, shape, recommended);
    }
  return true;
}();

}  // namespace
}  // namespace lathe::ops
