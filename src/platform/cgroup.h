// What the control groups above this process leave it: v1, v2, and the hybrid of both that some hosts run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/machine_detect.h"

namespace lathe {

// "200000 100000" gives 2.0 CPUs; "max 100000" and garbage give nothing.
std::optional<double> parse_cpu_max(std::string_view text);
// cpu.cfs_quota_us and cpu.cfs_period_us; a quota of -1 is none.
std::optional<double> parse_cfs_quota(std::string_view quota, std::string_view period);
// memory.max or memory.limit_in_bytes; "max" and v1's "unlimited" (just below 2^63) give nothing.
std::optional<int64_t> parse_memory_limit(std::string_view text);

struct CgroupLimits {
  double cpus = 0;  // 0: no limit
  std::string cpus_source;
  int64_t memory = 0;  // 0: no limit
  std::string memory_source;
};

// The tightest limit on the way from the process's own group to the root of what is mounted here: a limit on any group
// holds for all below it.
CgroupLimits cgroup_limits(const ReadFile& read);

}  // namespace lathe
