// What a driver says of a device, as DeviceInfo; which queue computes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gpu/device_info.h"
#include "gpu/vulkan/volk.h"

namespace lathe::gpu {

DeviceInfo describe(VkInstance instance, VkPhysicalDevice device, int index);
std::string device_label(const DeviceInfo& info);  // "vulkan:0 (llvmpipe)"
bool has_extension(VkPhysicalDevice device, const char* name);
// The family of queues that computes: one that draws too where there is one, since drivers time those best.
std::optional<uint32_t> compute_family(VkPhysicalDevice device);

}  // namespace lathe::gpu
