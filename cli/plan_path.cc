#include "plan_path.h"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>
#include <optional>

#include "platform/machine.h"

namespace lathe::cli {

std::string default_plan_path() {
  // A relative path there is to be ignored (XDG Base Directory Specification).
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && cache[0] == '/')
    return std::string(cache) + "/lathe/plan.json";
  if (const char* home = std::getenv("HOME"); home && home[0] == '/')
    return std::string(home) + "/.cache/lathe/plan.json";
  return "";
}

tune::PlanScope plan_scope() { return {this_machine().signature, cpu_features(), matmul::variants()}; }

tune::Plan load_plan(const std::string& path, tune::Builds builds) {
  if (path.empty()) return tune::Plan(plan_scope());
  auto plan = tune::Plan::load(path, plan_scope(), builds);
  if (plan) return std::move(*plan);
  if (plan.status().code() != Code::not_found) spdlog::warn("{}", plan.status().message());
  return tune::Plan(plan_scope());
}

tune::DevicePlan device_plan(const std::string& path, const gpu::DeviceInfo& info) {
  const tune::DevicePlan empty(tune::device_key(info));
  if (path.empty()) return empty;
  auto plan = tune::load_device_plan(path, info);
  if (plan) return std::move(*plan);
  spdlog::warn("{}", plan.status().message());
  return empty;
}

ops::MeasuredRows measured_rows(const std::string& path) {
  const auto plan = std::make_shared<std::optional<tune::DevicePlan>>();
  return [path, plan](const gpu::DeviceInfo& info, const gpu::MatmulProblem& problem) {
    if (!*plan) *plan = device_plan(path, info);
    return (*plan)->fastest(problem);
  };
}

}  // namespace lathe::cli
