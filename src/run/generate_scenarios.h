// What a decoder does with prompts and answers: tokens a second, where the time goes, what memory does.
#pragma once

#include <vector>

#include "run/dispatch_sweep.h"
#include "run/profiled_calls.h"
#include "run/soak_report.h"
#include "run/time_calls.h"
#include "run/time_generation.h"

namespace lathe::run {

// The profile is that of one more run.
struct GenerateReport : ProfiledCalls {
  GenerateTest test;
  std::vector<double> tokens_per_s;  // of each run
  double mean = 0, deviation = 0, median = 0;
  Quantiles step_ms;       // of every pass of all runs
  double cpu_share = 0;    // CPU time / (wall time * threads)
  double gflops = 0;       // of the median run
  double weight_gbps = 0;  // of the median run's answers: each pass reads the weights of all products once
};

struct GenerateBenchOptions {
  int64_t runs = 5;  // behind one that is not counted, in which products are planned and memory is taken
  int threads = 1;
};

Result<GenerateReport> bench_generation(Generator& generator, const GenerateTest& test,
                                        const GenerateBenchOptions& options);

// A step of so many answers at once, for each of `texts`, and last a prompt of `prompt` tokens, dispatched in three
// ways.
Result<std::vector<SweepRow>> sweep_generation(Generator& generator, const std::vector<int64_t>& texts, int64_t prompt,
                                               double seconds);

// `tokens` new tokens, and those that end the answers in progress: answers of 1 to 64 behind prompts of 1 to 64, eight
// at once. The first look at the memory comes after a tenth of them.
Result<SoakReport> soak(Generator& generator, int64_t tokens);

}  // namespace lathe::run
