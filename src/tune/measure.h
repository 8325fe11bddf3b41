// Contenders timed against each other in one process: they take turns, in an order shuffled every round, and each turn
// starts when the threads of the one before have come to rest.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace lathe::tune {

struct Summary {
  double median = 0, p95 = 0, min = 0;
  double spread = 0;  // (p75 - p25) / median
  int64_t samples = 0;
};

// Of any non-empty set of samples; quantiles by linear interpolation. All zero where there are none.
Summary summarize(std::vector<double> samples);

struct Contender {
  std::function<void()> call;  // one product; brings its own rotation of operands
  double expected_ns = 0;      // what one call took when it was verified; 0: not known
};

struct MeasureOptions {
  double seconds = 0.3;  // timed, per contender
  int samples = 20;      // at least, per contender, unless that would take `patience` times `seconds`
  double patience = 4;
  uint64_t seed = 1;
};

struct Measured {
  Summary wall_ns, cpu_ns;  // per call; CPU time of all threads of the process
  bool settled = false;     // two successive medians agreed within 2 % before counting began
};

std::vector<Measured> measure_interleaved(std::span<const Contender> contenders, const MeasureOptions& options);

// Returns when no other thread of this process has wanted a CPU for 100 us, or after 100 ms: false. The workers of
// OpenMP and of vendor libraries go on spinning for 1 to 30 ms after a call and would take a core from the next.
bool wait_until_quiet();

}  // namespace lathe::tune
