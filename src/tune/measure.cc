#include "tune/measure.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "platform/clock.h"
#include "platform/thread_times.h"

namespace lathe::tune {
namespace {

constexpr int64_t kQuietNs = 100'000;
constexpr int64_t kQuietLimitNs = 100'000'000;
// A clock read costs some 25 ns: below 20 us a sample is a batch of calls, so that timers stay under 1 %.
constexpr double kShortCallNs = 20'000;
// A turn is long enough for the caches to become the contender's own again, and short enough for five rounds.
constexpr double kShortestTurnNs = 12e6;
constexpr int kRounds = 5;
constexpr double kSettledWithin = 0.02;
constexpr int kSettleSamples = 5, kSettleSets = 6;

double sorted_quantile(const std::vector<double>& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double median_of(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return sorted_quantile(samples, 0.5);
}

// Live threads to the nanosecond, threads that have ended (a library that starts some per call) by the process clock.
struct CpuMark {
  int64_t process = process_cpu_ns(), live = live_threads_cpu_ns();
  double since(const CpuMark& start) const {
    return static_cast<double>(std::max(process - start.process, live - start.live));
  }
};

class Run {
 public:
  Run(const Contender& contender, const MeasureOptions& options)
      : contender_(contender), options_(options), expected_ns_(contender.expected_ns) {}

  bool done() const { return done_; }
  void turn();
  Measured result() const { return {summarize(wall_), summarize(cpu_), settled_}; }

 private:
  double sample();
  void settle();
  bool too_slow_to_repeat() const { return expected_ns_ > options_.patience * options_.seconds * 1e9; }

  const Contender& contender_;
  const MeasureOptions& options_;
  double expected_ns_;
  int64_t batch_ = 1;
  bool started_ = false, settled_ = false, done_ = false;
  double timed_ns_ = 0;
  std::vector<double> wall_, cpu_;
};

double Run::sample() {
  const int64_t start = now_ns();
  for (int64_t i = 0; i < batch_; ++i) contender_.call();
  return static_cast<double>(now_ns() - start) / static_cast<double>(batch_);
}

// Untimed: until two successive medians agree, at most a third of the time that will be counted.
void Run::settle() {
  const double limit_ns = options_.seconds * 1e9 / 3;
  double spent_ns = 0, previous = 0;
  for (int set = 0; set < kSettleSets && spent_ns < limit_ns && !settled_; ++set) {
    std::vector<double> samples;
    while (samples.size() < kSettleSamples && (samples.empty() || spent_ns < limit_ns)) {
      samples.push_back(sample());
      spent_ns += samples.back() * static_cast<double>(batch_);
    }
    const double median = median_of(std::move(samples));
    settled_ = set > 0 && std::fabs(median - previous) <= kSettledWithin * previous;
    previous = expected_ns_ = median;
    if (median < kShortCallNs) batch_ = static_cast<int64_t>(std::ceil(1.5 * kShortCallNs / std::max(1.0, median)));
  }
}

void Run::turn() {
  if (!too_slow_to_repeat()) {
    if (!started_) {
      settle();
    } else {
      sample();
    }
  }
  started_ = true;
  const double budget_ns = std::max(kShortestTurnNs, options_.seconds * 1e9 / kRounds);
  const double wanted_ns = options_.seconds * 1e9, limit_ns = wanted_ns * options_.patience;
  const size_t first = wall_.size();
  const CpuMark start;
  double turn_ns = 0;
  do {
    wall_.push_back(sample());
    turn_ns += wall_.back() * static_cast<double>(batch_);
    const bool enough = timed_ns_ + turn_ns >= wanted_ns && wall_.size() >= static_cast<size_t>(options_.samples);
    done_ = enough || timed_ns_ + turn_ns >= limit_ns;
  } while (!done_ && turn_ns < budget_ns);
  timed_ns_ += turn_ns;
  const double calls = static_cast<double>(wall_.size() - first) * static_cast<double>(batch_);
  cpu_.push_back(CpuMark().since(start) / calls);
}

}  // namespace

Summary summarize(std::vector<double> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const double median = sorted_quantile(samples, 0.5);
  const double between = sorted_quantile(samples, 0.75) - sorted_quantile(samples, 0.25);
  return {median, sorted_quantile(samples, 0.95), samples.front(), median > 0 ? between / median : 0,
          static_cast<int64_t>(samples.size())};
}

bool wait_until_quiet() {
  const int64_t start = now_ns();
  int64_t busy = start;  // when somebody was last seen
  for (int64_t now = start; now - start < kQuietLimitNs; now = now_ns()) {
    if (other_runnable_threads() > 0)
      busy = now;
    else if (now - busy >= kQuietNs)
      return true;
  }
  return false;
}

std::vector<Measured> measure_interleaved(std::span<const Contender> contenders, const MeasureOptions& options) {
  std::vector<Run> runs;
  for (const Contender& contender : contenders) runs.emplace_back(contender, options);
  std::mt19937_64 random(options.seed);
  std::vector<size_t> order(runs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto all_done = [&] {
    return std::all_of(runs.begin(), runs.end(), [](const Run& run) { return run.done(); });
  };
  while (!all_done()) {
    std::shuffle(order.begin(), order.end(), random);
    for (const size_t i : order) {
      if (runs[i].done()) continue;
      wait_until_quiet();
      runs[i].turn();
    }
  }
  std::vector<Measured> results;
  for (const Run& run : runs) results.push_back(run.result());
  return results;
}

}  // namespace lathe::tune
