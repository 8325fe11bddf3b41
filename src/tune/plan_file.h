// The plan file's text and what it says, before it is held against a machine and a build.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"
#include "tune/plan.h"

namespace lathe::tune {

struct PlanFile {
  struct Entry {
    matmul::Problem problem;
    int threads = 1;
    std::string variant;
    double ms = 0, share = 0;
    std::vector<PlanMeasurement> measured;
  };
  std::string cpu, build;
  std::vector<Entry> entries;
};

std::string format_plan(const PlanFile& file);
// Every error is corrupt or unsupported, one sentence that begins with `name`.
Result<PlanFile> parse_plan(std::string_view text, std::string_view name);

}  // namespace lathe::tune
