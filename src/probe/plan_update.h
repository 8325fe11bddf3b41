// What the plan learns from a report.
#pragma once

#include "probe/probe.h"
#include "tune/plan.h"

namespace lathe::probe {

struct PlanUpdate {
  int64_t entered = 0;  // entries added or replaced
  int64_t skipped = 0;  // shapes where what dispatch takes by default was not measured, so nothing can be compared
};

// One entry per shape: the variant that tune::select takes from the rows that passed, and what was measured.
PlanUpdate update_plan(const Report& report, tune::Plan& plan);

}  // namespace lathe::probe
