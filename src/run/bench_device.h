// What a decoder on a device does with a prompt and with answers, and what it saves that a pass is one submission.
#pragma once

#include <string>
#include <vector>

#include "run/dispatch_sweep.h"
#include "run/generator.h"

namespace lathe::run {

struct DeviceBenchOptions {
  int64_t prompt = 512, tokens = 128;  // of the prompt and of each answer that are timed; 0: none
  std::vector<int64_t> texts = {1};    // that answer at once, a test for each
  int64_t runs = 5;                    // behind one that is not counted, in which passes are recorded
  double seconds = 1;                  // of each way of dispatching
};

struct DeviceTest {
  // pp512, tg128: as llama-bench has them; tg128@b8 where eight texts answer at once. tg128 drawn: at temperature 1, on
  // the device; tg128 penalized: with a penalty besides, so that the CPU's sampler has every token's logits.
  std::string name;
  int64_t tokens = 0, texts = 1;     // tokens of all of them
  std::vector<double> tokens_per_s;  // of each run
  double median = 0;
  double submissions_per_token = 0;
  double weight_gbps = 0;  // of answers: the weights of the products, read once for a token of each of 16 texts
};

struct DeviceBenchReport {
  std::vector<DeviceTest> tests;
  SweepRow sweep;  // of a short answer, with the pass of its prompt
};

// `generator` has a device. Prompts are random tokens.
Result<DeviceBenchReport> bench_on_device(Generator& generator, const DeviceBenchOptions& options);

}  // namespace lathe::run
