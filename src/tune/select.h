// Which variant a plan takes, from what was measured. A pure function: the probe's report in, a choice out.
#pragma once

#include <span>

#include "kernels/matmul/matmul.h"

namespace lathe::tune {

struct Candidate {
  const matmul::Variant* variant = nullptr;
  bool passed = false;         // verified, then timed
  bool above_ceiling = false;  // a fault of the measurement
  double ms = 0, share = 0;
};

// Two figures this close are one figure: a shared machine's medians differ by as much from run to run.
constexpr double kTie = 0.02;

// The fastest candidate that passed, is not above its ceiling, and computes the same bits from the same packed
// weights as `fallback`, which dispatch takes without a plan; `fallback` itself where it is within kTie of that.
// nullptr where none is left.
const Candidate* select(std::span<const Candidate> candidates, const matmul::Variant& fallback);

}  // namespace lathe::tune
