// What an encoder on a device does with texts, and what it saves that a pass is one submission.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/bench_texts.h"
#include "run/dispatch_sweep.h"
#include "run/embedder.h"
#include "run/time_calls.h"

namespace lathe::run {

struct DeviceEmbedTest {
  std::string name, what;
  int64_t samples = 0, texts_per_call = 0;
  double tokens_per_call = 0;
  Quantiles wall_ms;  // per text: a call's time over its texts
  double texts_per_s = 0, tokens_per_s = 0;
  double submissions_per_call = 0;
  std::optional<SweepRow> sweep;  // of the scenario's first call, from texts to vectors
};

struct DeviceEmbedOptions {
  double seconds = 2;  // of a scenario; sweeping half of it for each way
  bool sweep = false;
};

// `embedder` has a device.
Result<DeviceEmbedTest> bench_on_device(Embedder& embedder, const Scenario& scenario,
                                        const DeviceEmbedOptions& options);

}  // namespace lathe::run
