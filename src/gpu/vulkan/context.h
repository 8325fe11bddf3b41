// VkDevice with what all objects on it need. It goes when the last of them does.
#pragma once

#include <memory>

#include "gpu/device_info.h"
#include "gpu/vulkan/instance_handle.h"
#include "gpu/vulkan/volk.h"
#include "lathe/status.h"

namespace lathe::gpu {

struct Context {
  std::shared_ptr<InstanceHandle> instance;
  VkPhysicalDevice physical = VK_NULL_HANDLE;
  VkDevice device = VK_NULL_HANDLE;
  VolkDeviceTable vk{};  // of this device: with several open, volk's global functions would be those of the last
  uint32_t family = 0;
  VkQueue queue = VK_NULL_HANDLE;
  VkCommandPool commands = VK_NULL_HANDLE;
  VkPipelineLayout layout = VK_NULL_HANDLE;  // push constants alone: shaders are handed addresses
  VkFence fence = VK_NULL_HANDLE;
  DeviceInfo info;

  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  // Remembers the loss of the device: whatever is asked of it from then on is answered with that.
  Status check(VkResult result, const char* what) const;
  const Status& lost() const { return lost_; }

 private:
  mutable Status lost_;
};

Result<std::shared_ptr<Context>> create_context(std::shared_ptr<InstanceHandle> instance, VkPhysicalDevice physical,
                                                const DeviceInfo& info);

}  // namespace lathe::gpu
