#include "tune/ceilings.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "base/memory.h"
#include "platform/clock.h"
#include "tune/ceiling_loops.h"

namespace lathe::tune {
namespace {

constexpr int64_t kTrialNs = 4'000'000;
constexpr int64_t kReadBytes = int64_t{256} << 20;
constexpr int kReadParts = 4;  // a trial reads one, so that each comes back when three others have passed the cache
constexpr int64_t kHugePage = int64_t{2} << 20;

// Nanoseconds from the first worker's start of `body(worker id)` to the last one's end. Each looks at the clock itself:
// with one clock, a reader that loses its CPU between barrier and clock would hide what the others did meanwhile.
template <class Body>
int64_t time_together(Team& team, int workers, const Body& body) {
  std::vector<int64_t> start(static_cast<size_t>(workers)), end(start.size());
  team.run(
      [&](Team::Worker& worker) {
        const size_t id = static_cast<size_t>(worker.id());
        worker.barrier();
        start[id] = now_ns();
        body(worker.id());
        end[id] = now_ns();
      },
      workers);
  return std::max<int64_t>(1,
                           *std::max_element(end.begin(), end.end()) - *std::min_element(start.begin(), start.end()));
}

// `work` is what all workers do in one trial, in operations or bytes: per nanosecond it is giga per second.
Rate rate_of(std::vector<int64_t> trials_ns, double work) {
  std::sort(trials_ns.begin(), trials_ns.end());
  const double best = static_cast<double>(trials_ns.front());
  const double median = static_cast<double>(trials_ns[trials_ns.size() / 2]);
  return {work / best, 1.0 - best / median};
}

Rate better(const Rate& a, const Rate& b) { return a.giga >= b.giga ? a : b; }

Rate register_rate(Team& team, int workers, int trials, CeilingLoops::RegisterLoop loop, int ops) {
  if (loop == nullptr) return {};
  int64_t rounds = 1'000;
  while (rounds < int64_t{1} << 40) {  // also wakes the cores up
    const int64_t ns = time_together(team, workers, [&](int) { loop(rounds); });
    if (ns >= kTrialNs / 2) break;
    rounds *= 2;
  }
  std::vector<int64_t> ns;
  for (int i = 0; i < trials; ++i) ns.push_back(time_together(team, workers, [&](int) { loop(rounds); }));
  return rate_of(std::move(ns), static_cast<double>(rounds) * ops * workers);
}

Rate read_rate(Team& team, int workers, int trials, CeilingLoops::ReadLoop loop, const Buffer& buffer) {
  const int64_t part = static_cast<int64_t>(buffer.size()) / kReadParts;
  const int64_t share = part / workers / kReadGrain * kReadGrain;
  std::atomic<uint64_t> sink{0};  // keeps the loads alive
  std::vector<int64_t> ns;
  for (int i = 0; i < trials; ++i) {
    const std::byte* data = buffer.data() + i % kReadParts * part;
    ns.push_back(time_together(
        team, workers, [&](int id) { sink.fetch_xor(loop(data + id * share, share), std::memory_order_relaxed); }));
  }
  return rate_of(std::move(ns), static_cast<double>(share) * workers);
}

bool runs_here(const CeilingLoops& loops, FeatureSet features) { return has_all(features, isa_needs(loops.isa)); }

// Several times the last cache, and never more than a quarter of what is free.
int64_t read_buffer_bytes(const CeilingOptions& options) {
  int64_t bytes = std::max(kReadBytes, 4 * options.last_cache_bytes);
  if (options.available_bytes > 0) bytes = std::min(bytes, options.available_bytes / 4);
  return std::max(kHugePage, bytes / kHugePage * kHugePage);
}

Status measure_reads(Team& team, const CeilingOptions& options, Rate* all, Rate* one) {
  auto buffer = Buffer::create(read_buffer_bytes(options));
  if (!buffer) return out_of_memory("the read ceiling needs a buffer: " + buffer.status().message());
  // Touched by whoever will read it. Not zeros: those are one shared page until written.
  const int64_t part = static_cast<int64_t>(buffer->size()) / team.size();
  time_together(team, team.size(),
                [&](int id) { std::memset(buffer->data() + id * part, 0x5a, static_cast<size_t>(part)); });
  for (const CeilingLoops* loops : ceiling_loops()) {
    if (!runs_here(*loops, options.features)) continue;
    for (const auto loop : loops->read) {
      if (loop == nullptr) continue;
      *all = better(*all, read_rate(team, team.size(), options.trials, loop, *buffer));
      *one = better(*one, read_rate(team, 1, options.trials, loop, *buffer));
    }
  }
  return {};
}

// Many in a row, as a program of many dependent operations meets them.
void measure_meeting(Team& team, int trials, Ceilings* of) {
  constexpr int kMeetings = 1'000;
  std::vector<int64_t> barrier_ns, empty_ns;
  for (int i = 0; i < trials; ++i) {
    int64_t start = 0, end = 0;
    team.run([&](Team::Worker& worker) {
      worker.barrier();
      if (worker.id() == 0) start = now_ns();
      for (int meeting = 0; meeting < kMeetings; ++meeting) worker.barrier();
      if (worker.id() == 0) end = now_ns();
    });
    barrier_ns.push_back(end - start);
    start = now_ns();
    for (int program = 0; program < kMeetings / 10; ++program) team.run([](Team::Worker&) {});
    empty_ns.push_back(now_ns() - start);
  }
  std::sort(barrier_ns.begin(), barrier_ns.end());
  std::sort(empty_ns.begin(), empty_ns.end());
  of->barrier_ns = static_cast<double>(barrier_ns[barrier_ns.size() / 2]) / kMeetings;
  of->empty_program_ns = static_cast<double>(empty_ns[empty_ns.size() / 2]) / (kMeetings / 10);
}

}  // namespace

Result<Ceilings> measure_ceilings(Team& team, const CeilingOptions& options) {
  Ceilings result;
  result.threads = team.size();
  if (Status status = raise_ceilings(team, options, &result); !status.ok()) return status;
  measure_meeting(team, options.trials, &result);
  return result;
}

Status raise_ceilings(Team& team, const CeilingOptions& options, Ceilings* of) {
  if (options.trials < 1)
    return invalid_argument("ceiling trials is " + std::to_string(options.trials) + ": expected at least 1");
  for (const CeilingLoops* loops : ceiling_loops()) {
    if (!runs_here(*loops, options.features)) continue;
    const auto measure = [&](int workers, Rate* fma, Rate* mac, Rate* byte_mac, Rate* bf16) {
      *fma = better(*fma, register_rate(team, workers, options.trials, loops->fma, loops->fma_ops));
      *mac = better(*mac, register_rate(team, workers, options.trials, loops->mac, loops->mac_ops));
      *byte_mac = better(*byte_mac, register_rate(team, workers, options.trials, loops->byte_mac, loops->byte_mac_ops));
      *bf16 = better(better(*bf16, *fma), register_rate(team, workers, options.trials, loops->bf16, loops->bf16_ops));
    };
    measure(1, &of->fma_one, &of->mac_one, &of->byte_mac_one, &of->bf16_one);
    measure(team.size(), &of->fma, &of->mac, &of->byte_mac, &of->bf16);
  }
  Status status = measure_reads(team, options, &of->read, &of->read_one);
  // One thread may saturate what the team shares, and a team can always leave the work to one.
  of->fma = better(of->fma, of->fma_one);
  of->mac = better(of->mac, of->mac_one);
  of->byte_mac = better(of->byte_mac, of->byte_mac_one);
  of->bf16 = better(of->bf16, of->bf16_one);
  of->read = better(of->read, of->read_one);
  return status;
}

}  // namespace lathe::tune
