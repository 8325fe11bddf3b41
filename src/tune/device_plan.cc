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
  const gpu::MatmulVariant* best = nullptr;
  double ms = 0;
  for (const PlanMeasurement& m : entry->measured) {
    const gpu::MatmulVariant* variant = row_of(m);
    if (variant == nullptr || (layout && variant->layout != *layout)) continue;
    if (best == nullptr || m.ms < ms) best = variant, ms = m.ms;
  }
  return best;
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
