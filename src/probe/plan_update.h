// What the plan learns from a report.
#pragma once

#include "probe/probe.h"
#include "tune/plan.h"

namespace lathe::probe {

struct PlanUpdate {
  int64_t entered = 0;  // entries added or replaced
  int64_t skipped = 0;  // shapes where what dispatch takes by default was not measured, so nothing can be compared
};

// What must be measured so that the plan knows every row: the shapes with rows it has no figure of, these rows, and
// beside them, for nothing is compared with an old figure, what the plan and the default take now. Scalar rows are
// left out where another takes the shape, as run_probe leaves them out.
struct NewRows {
  std::vector<Shape> shapes;
  std::vector<std::string> variants;
};
NewRows find_new_rows(const std::vector<Shape>& shapes, int threads, const tune::Plan& plan);

// One entry per shape: the variant that tune::select takes from the rows that passed, and what was measured. Figures of
// rows that the report did not measure stay.
PlanUpdate update_plan(const Report& report, tune::Plan& plan);

}  // namespace lathe::probe
