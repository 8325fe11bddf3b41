// The way in: which devices there are, and one of them opened.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gpu/device.h"

namespace lathe::gpu {

struct InstanceOptions {
  bool validation = false;  // the layers that check every call; an error where they are not installed
};

struct DeviceOptions {
  int64_t memory_budget = 0;                       // bytes of MemoryUse::device; 0: nine tenths of what there is
  std::span<const std::byte> pipeline_cache = {};  // of an earlier Device::pipeline_cache
};

class Instance {
 public:
  // not_found where there is no Vulkan on this machine, unsupported where this build has none.
  static Result<std::shared_ptr<Instance>> create(const InstanceOptions& options = {});

  virtual ~Instance() = default;
  virtual const std::vector<DeviceInfo>& devices() const = 0;  // in the driver's order
  virtual Result<std::shared_ptr<Device>> open(int64_t index, const DeviceOptions& options = {}) = 0;
  // What the validation layers have said so far.
  virtual std::vector<std::string> messages() const = 0;
};

}  // namespace lathe::gpu
