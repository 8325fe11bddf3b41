// A device with its memory and its pipelines.
#pragma once

#include <memory>

#include "gpu/instance.h"
#include "gpu/vulkan/instance_handle.h"
#include "gpu/vulkan/volk.h"

namespace lathe::gpu {

Result<std::shared_ptr<Device>> open_device(std::shared_ptr<InstanceHandle> instance, VkPhysicalDevice physical,
                                            const DeviceInfo& info, const DeviceOptions& options);

}  // namespace lathe::gpu
