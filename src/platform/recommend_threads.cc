#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "platform/machine_detect.h"

namespace lathe {
namespace {

std::string counted(int count, const char* thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string cores_reason(const Machine& m) {
  const int allowed = static_cast<int>(m.allowed_cpus.size());
  std::string reason = "one per physical core";
  if (allowed < m.logical_cpus)
    reason +=
        fmt::format(" under the {} of {} that this process may use", allowed, counted(m.logical_cpus, "logical CPU"));
  // Two threads of a core share its multipliers: the second adds waiting at barriers and no arithmetic.
  if (m.threads_per_core > 1)
    reason += fmt::format("; the {} threads of a core share its arithmetic", m.threads_per_core);
  return reason;
}

}  // namespace

Recommendation recommend_threads(const Machine& m) {
  const int cores = std::max(1, m.physical_cores);
  // A quota of 1.5 CPUs is rounded up: two threads that are stopped for a quarter of the time still do 1.5 times the
  // work of one.
  const int quota = m.cpu_quota > 0 ? std::max(1, static_cast<int>(std::ceil(std::min(m.cpu_quota, 1e6)))) : 0;
  if (quota == 0 || quota >= cores) return {cores, cores_reason(m)};
  return {quota, fmt::format("the cgroup's quota of {:.4g} CPUs, {}below the {} that are there", m.cpu_quota,
                             quota > m.cpu_quota ? "rounded up, " : "", counted(cores, "physical core"))};
}

}  // namespace lathe
