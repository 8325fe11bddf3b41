// The update of a model that learns, whatever it is: the norm of all gradients, and AdamW over all weights.
#pragma once

#include <cstdint>
#include <span>

#include "models/train_model.h"
#include "ops/adamw.h"
#include "ops/profile.h"
#include "ops/train_executor.h"
#include "platform/team.h"

namespace lathe::models {

struct OptimizerStep {
  Team& team;
  ops::Profile* profile = nullptr;  // may be
  const ops::TrainKernels& kernels;
  std::span<const ops::OptimizerPiece> pieces;
  ops::FlatArrays arrays;

  // Step `number` (from 1). Leaves the pieces' sums of squares in `sums` and returns the norm before clipping; where
  // that is not finite nothing else is changed.
  double run(const AdamW& settings, int64_t number, std::span<double> sums) const;
};

}  // namespace lathe::models
