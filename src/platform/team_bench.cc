// What the team costs: a barrier between running threads, and an empty program from call to return.
#include <benchmark/benchmark.h>

#include <chrono>
#include <thread>

#include "platform/clock.h"
#include "platform/team.h"

namespace lathe {
namespace {

constexpr int kBarriers = 10'000;

void barrier(benchmark::State& state) {
  const auto team = Team::create({.threads = static_cast<int>(state.range(0))});
  for (auto _ : state) {
    int64_t nanoseconds = 0;
    (*team)->run([&](Team::Worker& w) {
      w.barrier();
      const int64_t start = now_ns();
      for (int i = 0; i < kBarriers; ++i) w.barrier();
      if (w.id() == 0) nanoseconds = now_ns() - start;
    });
    state.SetIterationTime(static_cast<double>(nanoseconds) * 1e-9 / kBarriers);
  }
}

void empty_program(benchmark::State& state) {
  const auto team = Team::create({.threads = static_cast<int>(state.range(0))});
  for (auto _ : state) (*team)->run([](Team::Worker&) {});
}

// After a pause of 1 ms the workers are parked, and the start wakes them.
void empty_program_parked(benchmark::State& state) {
  const auto team = Team::create({.threads = static_cast<int>(state.range(0))});
  for (auto _ : state) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const int64_t start = now_ns();
    (*team)->run([](Team::Worker&) {});
    state.SetIterationTime(static_cast<double>(now_ns() - start) * 1e-9);
  }
}

// One iteration of `barrier` is 10,000 of them, and one that parks takes 1 ms: their number is set here.
BENCHMARK(barrier)->Arg(1)->Arg(2)->Arg(4)->UseManualTime()->Iterations(20);
BENCHMARK(empty_program)->Arg(1)->Arg(2)->Arg(4)->UseRealTime();
BENCHMARK(empty_program_parked)->Arg(2)->Arg(4)->UseManualTime()->Iterations(300);

}  // namespace
}  // namespace lathe
