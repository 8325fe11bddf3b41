// One pass dispatched in three ways, in turns: what it saves that the team enters once.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "models/encoder.h"

namespace lathe::run {

struct SweepRow {
  int64_t texts = 0, tokens = 0;  // of a pass
  // Median wall and CPU time of a pass, in the order of ops::Dispatch: model, layer, op.
  double wall_ns[3] = {}, cpu_ns[3] = {};

  // How much longer the others take than the pass with one entry.
  double layer_ratio() const { return wall_ns[1] / wall_ns[0]; }
  double op_ratio() const { return wall_ns[2] / wall_ns[0]; }
};

// `pass` runs one pass in that way; `seconds` for each way. Its texts and tokens are the caller's to fill in.
Result<SweepRow> sweep_pass(const std::function<Status(ops::Dispatch)>& pass, double seconds);

struct SweepBatch {
  int64_t texts = 1, tokens_each = 12;
};

// Random tokens, mean pooling. `seconds` for each way of each batch.
Result<std::vector<SweepRow>> sweep_dispatch(models::Encoder& encoder, const std::vector<SweepBatch>& batches,
                                             double seconds);

}  // namespace lathe::run
