// The way in for commands and models: a device by its name, with the pipelines that earlier runs have compiled.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gpu/instance.h"

namespace lathe::gpu {

// N of "vulkan:N", 0 of "vulkan".
Result<int64_t> parse_device_name(std::string_view name);

struct NamedDeviceOptions {
  std::string pipeline_folder;  // where compiled pipelines are kept between runs; empty: nowhere
  int64_t memory_budget = 0;    // as DeviceOptions has it
  bool validation = false;
};

class NamedDevice {
 public:
  static Result<NamedDevice> open(std::string_view name, const NamedDeviceOptions& options);

  const std::shared_ptr<Instance>& instance() const { return instance_; }
  const std::shared_ptr<Device>& device() const { return device_; }
  const std::string& pipeline_path() const { return path_; }
  // Why the pipelines that were kept are not used; empty where they are, or where there were none.
  const std::string& pipeline_refusal() const { return refusal_; }

  // Keeps what has been compiled so far for the next start, where that is other than what is kept. An error is a
  // reason for a warning: all else works without the file.
  Status keep_pipelines();

 private:
  std::shared_ptr<Instance> instance_;
  std::shared_ptr<Device> device_;
  std::string path_, refusal_;
  std::string kept_;  // SHA-256 of what the file holds
};

}  // namespace lathe::gpu
