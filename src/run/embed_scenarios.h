// What a model does with texts: time per text, throughput, the share of the machine's ceiling, and where it goes.
#pragma once

#include <string>
#include <vector>

#include "ops/profile.h"
#include "run/time_calls.h"

namespace lathe::run {

struct ScenarioReport {
  std::string name, what;
  int64_t samples = 0, texts_per_call = 0;
  double tokens_per_call = 0;
  Quantiles wall_ms, cpu_ms;  // per text: a call's time over its texts
  double texts_per_s = 0, tokens_per_s = 0;
  double cpu_share = 0;      // CPU time / (wall time * threads), medians
  double gflops = 0;         // of the whole call, from text to vector
  double matmul_gflops = 0;  // inside the products
  ops::Profile profile;      // of the passes of a second run
  double calls_ns = 0;       // that run's time from texts to vectors

  // What is not the passes': tokenizing before them, and handing over the vectors behind.
  double around_ns() const { return calls_ns - static_cast<double>(profile.total_ns()); }
  double unaccounted() const { return static_cast<double>(profile.unaccounted_ns()) / calls_ns; }  // as a share
};

struct BenchOptions {
  double seconds = 2;  // of a scenario, profiling again as much
  int threads = 1;
};

Result<ScenarioReport> bench_scenario(Embedder& embedder, const Scenario& scenario, const BenchOptions& options);

struct SoakReport {
  int64_t texts = 0, warm_texts = 0;
  int64_t warm_bytes = 0, end_bytes = 0;  // resident after warm-up and at the end
  double seconds = 0;

  double ratio() const {
    return warm_bytes == 0 ? 0 : static_cast<double>(end_bytes) / static_cast<double>(warm_bytes);
  }
};

// `texts` different texts of 1 to 16 words in batches of 1 to 64, a tenth of them (but at most 10,000) before counting.
Result<SoakReport> soak(Embedder& embedder, int64_t texts);

}  // namespace lathe::run
