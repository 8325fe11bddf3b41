// A scenario's calls, timed one by one: from the texts to their vectors, tokenizing included.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "run/bench_texts.h"
#include "run/embedder.h"

namespace lathe::run {

struct CallTimes {
  std::vector<double> wall_ns, cpu_ns;  // of each call; CPU time is that of all threads
  int64_t texts = 0, tokens = 0;        // of all calls together; tokens that the model took
  int64_t cycle_tokens = 0;             // of every call of the scenario once
};

struct TimeOptions {
  double seconds = 1;
  int64_t calls = 20;  // at least, unless that would take `patience` times `seconds`
  double patience = 5;
  bool warm_up = true;  // every call once before counting: the first pass of a count of tokens plans its products
};

// The calls in their order, again and again, in whole cycles. An error of one text is an error of all.
Result<CallTimes> time_calls(Embedder& embedder, const Scenario& scenario, const TimeOptions& options);

struct Quantiles {
  double p50 = 0, p95 = 0, p99 = 0;
};

// Linear interpolation; all zero where there are none.
Quantiles quantiles(std::vector<double> samples);

}  // namespace lathe::run
