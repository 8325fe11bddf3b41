// Work that was recorded for a device, submitted as often as wanted.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gpu/device.h"

namespace lathe::ops {

class DeviceProgram {
 public:
  DeviceProgram() = default;
  explicit DeviceProgram(std::vector<std::shared_ptr<gpu::Recording>> parts) : parts_(std::move(parts)) {}

  int64_t submissions() const { return static_cast<int64_t>(parts_.size()); }  // of a run
  Status run(gpu::Device& device) const {
    for (const auto& part : parts_)
      if (Status s = device.submit(*part); !s.ok()) return s;
    return {};
  }

 private:
  std::vector<std::shared_ptr<gpu::Recording>> parts_;
};

}  // namespace lathe::ops
