// What a model does with texts: time per text, throughput, the share of the machine's ceiling, and where it goes.
#pragma once

#include <string>
#include <vector>

#include "run/profiled_calls.h"
#include "run/soak_report.h"
#include "run/time_calls.h"

namespace lathe::run {

// The profile is that of a second run.
struct ScenarioReport : ProfiledCalls {
  std::string name, what;
  int64_t samples = 0, texts_per_call = 0;
  double tokens_per_call = 0;
  Quantiles wall_ms, cpu_ms;  // per text: a call's time over its texts
  double texts_per_s = 0, tokens_per_s = 0;
  double cpu_share = 0;      // CPU time / (wall time * threads), medians
  double gflops = 0;         // of the whole call, from text to vector
  double matmul_gflops = 0;  // inside the products
};

struct BenchOptions {
  double seconds = 2;  // of a scenario, profiling again as much
  int threads = 1;
};

Result<ScenarioReport> bench_scenario(Embedder& embedder, const Scenario& scenario, const BenchOptions& options);

// `texts` different texts of 1 to 16 words in batches of 1 to 64, a tenth of them (but at most 10,000) before counting.
Result<SoakReport> soak(Embedder& embedder, int64_t texts);

}  // namespace lathe::run
