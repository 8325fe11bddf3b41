// Vulkan's results as Status.
#pragma once

#include <string>

#include "gpu/vulkan/volk.h"
#include "lathe/status.h"

namespace lathe::gpu {

// `what` was being done, on `where`: "device 0 (llvmpipe)". Ok where it succeeded.
Status to_status(VkResult result, const std::string& what, const std::string& where);

}  // namespace lathe::gpu
