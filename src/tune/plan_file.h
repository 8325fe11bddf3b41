// The plan file's text and what it says, before it is held against a machine and a build.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"
#include "tune/device_plan.h"
#include "tune/plan.h"

namespace lathe::tune {

constexpr int64_t kMostPlanBytes = int64_t{64} << 20;

struct PlanFile {
  struct Entry {
    matmul::Problem problem;
    int threads = 1;
    std::string variant;
    double ms = 0, share = 0;
    std::vector<PlanMeasurement> measured;
  };
  struct Device {
    DeviceKey key;
    std::vector<DevicePlanEntry> entries;
  };
  std::string cpu, build;
  std::vector<Entry> entries;
  std::vector<Device> devices;  // older files have none, and older programs pass them over
};

std::string format_plan(const PlanFile& file);
// Every error is corrupt or unsupported, one sentence that begins with `name`.
Result<PlanFile> parse_plan(std::string_view text, std::string_view name);
// The same from a file; not_found where there is none.
Result<PlanFile> load_plan_file(const std::string& path);

}  // namespace lathe::tune
