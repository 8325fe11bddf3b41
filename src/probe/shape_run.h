// One shape of a probe, from its operands to its rows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "probe/candidates.h"
#include "probe/operands.h"
#include "probe/probe.h"
#include "probe/rotation.h"
#include "tune/ceilings.h"

namespace lathe::probe {

struct ShapeRun {
  Team& team;
  const Options& options;
  const Candidates& candidates;
  FeatureSet features;
  Memory memory;
  std::shared_ptr<const WeightOperands> weights;  // of the shape before, taken over where they are the same

  struct Outcome {
    std::vector<Row> rows;
    Rotation rotation;
  };
  Outcome run(const Shape& shape, int64_t index);
};

// Rates, the binding ceiling and the share of it, for every timed row of one shape; then who is best.
void rate_rows(const Shape& shape, const Rotation& rotation, const Ceilings& ceilings, std::span<Row> rows);

}  // namespace lathe::probe
