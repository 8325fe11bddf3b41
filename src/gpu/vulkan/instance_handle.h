// VkInstance with what the validation layers say. Everything that lives on one of its devices keeps it.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "gpu/vulkan/volk.h"

namespace lathe::gpu {

struct InstanceHandle {
  VkInstance instance = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger = VK_NULL_HANDLE;

  InstanceHandle() = default;
  InstanceHandle(const InstanceHandle&) = delete;
  InstanceHandle& operator=(const InstanceHandle&) = delete;
  ~InstanceHandle();

  void add_message(std::string text);
  std::vector<std::string> messages() const;

 private:
  mutable std::mutex mutex_;  // layers call back from any thread
  std::vector<std::string> messages_;
};

}  // namespace lathe::gpu
