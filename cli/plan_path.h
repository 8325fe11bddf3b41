// Where the plan lies by default, and how a command comes by it.
#pragma once

#include <string>

#include "ops/device_products.h"
#include "tune/device_plan.h"

namespace lathe::cli {

// $XDG_CACHE_HOME/lathe/plan.json, else ~/.cache/lathe/plan.json; empty where neither variable is an absolute path.
std::string default_plan_path();

// What a plan must have been measured on to be used here.
tune::PlanScope plan_scope();

// The plan at `path`, or an empty one: without a word where there is no file, with one warning where it is not used.
tune::Plan load_plan(const std::string& path, tune::Builds builds = tune::Builds::this_one);

// What the plan at `path` has of a device; empty as above, with a warning where the file is not used.
tune::DevicePlan device_plan(const std::string& path, const gpu::DeviceInfo& info);
// The same for a model, read when it first asks.
ops::MeasuredRows measured_rows(const std::string& path);

}  // namespace lathe::cli
