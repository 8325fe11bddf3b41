// What `lathe probe matmul --device` measured on one device: which variant was fastest for a product there.
//
// The plan file has such a part for each device it was made on, beside what it has of the CPU. A part is valid for one
// device and one version of its driver; a figure of a row that this build has in another shape is passed over.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gpu/matmul.h"
#include "tune/plan.h"

namespace lathe::tune {

struct DeviceKey {
  uint32_t vendor = 0, device = 0;
  int subgroup = 1;  // a driver of several sizes may be told to take another
  std::string name, driver, driver_version;
  bool operator==(const DeviceKey&) const = default;
};
DeviceKey device_key(const gpu::DeviceInfo& info);
std::string row_fingerprint(const gpu::MatmulVariant& variant);

struct DevicePlanEntry {
  gpu::MatmulProblem problem;
  std::vector<PlanMeasurement> measured;  // rows that passed; ms and the share of copying by the device's clock
};

class DevicePlan {
 public:
  explicit DevicePlan(DeviceKey key, std::vector<DevicePlanEntry> entries = {})
      : key_(std::move(key)), entries_(std::move(entries)) {}

  const DeviceKey& key() const { return key_; }
  std::span<const DevicePlanEntry> entries() const { return entries_; }
  const DevicePlanEntry* find(const gpu::MatmulProblem& problem) const;

  // The fastest row that was measured for `problem`, of `layout` where one is given; nullptr where none was.
  const gpu::MatmulVariant* lookup(const gpu::MatmulProblem& problem,
                                   std::optional<gpu::WeightLayout> layout = {}) const;

  // The rows that were measured for `problem`, the fastest first; where none was, those for another product with the
  // same weights and as many rows of x: most of the time of either goes to reading them.
  std::vector<const gpu::MatmulVariant*> fastest(const gpu::MatmulProblem& problem) const;

  // Figures of rows that are not in `entry` stay, where the row is what it was.
  void add(DevicePlanEntry entry);

 private:
  DeviceKey key_;
  std::vector<DevicePlanEntry> entries_;
};

// The device's part of the file; empty where the file has none or is not there. The error says why a file is not used.
Result<DevicePlan> load_device_plan(const std::string& path, const gpu::DeviceInfo& info);

// Puts `plan` into the file, in the place of what this device had there under any driver. What the file has of the CPU
// and of other devices stays; where it is not there, or is no plan, it becomes one of `scope` without a figure.
Status save_device_plan(const std::string& path, const DevicePlan& plan, const PlanScope& scope);

}  // namespace lathe::tune
