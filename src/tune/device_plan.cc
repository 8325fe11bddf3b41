#include "tune/device_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/atomic_file.h"
#include "base/sha256.h"
#include "tune/plan_file.h"

namespace lathe::tune {
namespace {

// Whether it is the same card, under whatever driver.
bool same_card(const DeviceKey& a, const DeviceKey& b) {
  return a.vendor == b.vendor && a.device == b.device && a.name == b.name && a.subgroup == b.subgroup;
}

// The row that was measured, where this build still has it.
const gpu::MatmulVariant* row_of(const PlanMeasurement& measured) {
  const gpu::MatmulVariant* variant = gpu::find_matmul_variant(measured.variant);
  return variant != nullptr && row_fingerprint(*variant) == measured.row ? variant : nullptr;
}

// The fastest first; of equal ones the first that was measured.
std::vector<const gpu::MatmulVariant*> rows_of(const DevicePlanEntry& entry) {
  std::vector<std::pair<double, const gpu::MatmulVariant*>> timed;
  for (const PlanMeasurement& m : entry.measured)
    if (const gpu::MatmulVariant* variant = row_of(m)) timed.emplace_back(m.ms, variant);
  std::ranges::stable_sort(timed, {}, [](const auto& row) { return row.first; });
  std::vector<const gpu::MatmulVariant*> rows;
  for (const auto& [ms, variant] : timed) rows.push_back(variant);
  return rows;
}

bool same_weights(const gpu::MatmulProblem& a, const gpu::MatmulProblem& b) {
  const auto columns = [](const gpu::MatmulProblem& p) { return p.gated ? 2 * p.n : p.n; };
  return a.m == b.m && a.k == b.k && a.w == b.w && columns(a) == columns(b);
}

}  // namespace

DeviceKey device_key(const gpu::DeviceInfo& info) {
  return {info.vendor_id, info.device_id, info.subgroup_size, info.name, info.driver, info.driver_version};
}

std::string row_fingerprint(const gpu::MatmulVariant& v) {
  const gpu::Geometry& g = v.geometry;
  return sha256_hex(fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", v.name, v.shader, gpu::type_name(v.w),
                                gpu::layout_name(v.layout), v.m_least, v.m_most, g.threads, g.tile_m, g.tile_n,
                                g.per_subgroup, g.constants[0], g.constants[1], g.constants[2], g.constants[3]))
      .substr(0, 16);
}

const DevicePlanEntry* DevicePlan::find(const gpu::MatmulProblem& problem) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const DevicePlanEntry& e) { return e.problem == problem; });
  return found == entries_.end() ? nullptr : &*found;
}

const gpu::MatmulVariant* DevicePlan::lookup(const gpu::MatmulProblem& problem,
                                             std::optional<gpu::WeightLayout> layout) const {
  const DevicePlanEntry* entry = find(problem);
  if (entry == nullptr) return nullptr;
  for (const gpu::MatmulVariant* variant : rows_of(*entry))
    if (!layout || variant->layout == *layout) return variant;
  return nullptr;
}

std::vector<const gpu::MatmulVariant*> DevicePlan::fastest(const gpu::MatmulProblem& problem) const {
  if (const DevicePlanEntry* entry = find(problem)) return rows_of(*entry);
  const auto like = std::ranges::find_if(entries_, [&](const auto& e) { return same_weights(e.problem, problem); });
  return like == entries_.end() ? std::vector<const gpu::MatmulVariant*>() : rows_of(*like);
}

void DevicePlan::add(DevicePlanEntry entry) {
  const auto old =
      std::find_if(entries_.begin(), entries_.end(), [&](const auto& e) { return e.problem == entry.problem; });
  if (old == entries_.end()) {
    entries_.push_back(std::move(entry));
    return;
  }
  for (PlanMeasurement& m : old->measured)
    if (row_of(m) != nullptr && std::none_of(entry.measured.begin(), entry.measured.end(),
                                             [&](const PlanMeasurement& n) { return n.variant == m.variant; }))
      entry.measured.push_back(std::move(m));
  *old = std::move(entry);
}

Result<DevicePlan> load_device_plan(const std::string& path, const gpu::DeviceInfo& info) {
  const DeviceKey key = device_key(info);
  auto file = load_plan_file(path);
  if (!file && file.status().code() == Code::not_found) return DevicePlan(key);
  if (!file) return file.status();
  for (PlanFile::Device& device : file->devices)
    if (device.key == key) return DevicePlan(key, std::move(device.entries));
  return DevicePlan(key);
}

Status save_device_plan(const std::string& path, const DevicePlan& plan, const PlanScope& scope) {
  auto file = load_plan_file(path);
  PlanFile kept = file ? std::move(*file) : PlanFile{scope.cpu, table_fingerprint(scope.table), {}, {}};
  std::erase_if(kept.devices, [&](const PlanFile::Device& d) { return same_card(d.key, plan.key()); });
  kept.devices.push_back({plan.key(), {plan.entries().begin(), plan.entries().end()}});
  return write_file(path, format_plan(kept));
}

}  // namespace lathe::tune
