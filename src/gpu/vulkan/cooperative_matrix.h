// VK_KHR_cooperative_matrix: declared here, since the headers of Debian 12 are older than it.
#pragma once

#include <vector>

#include "gpu/device_info.h"
#include "gpu/vulkan/volk.h"

namespace lathe::gpu {

constexpr const char* kCooperativeMatrixExtension = "VK_KHR_cooperative_matrix";

// VkPhysicalDeviceCooperativeMatrixFeaturesKHR.
struct CooperativeMatrixFeatures {
  VkStructureType sType;
  void* pNext;
  VkBool32 cooperativeMatrix, cooperativeMatrixRobustBufferAccess;
};
constexpr auto kCooperativeMatrixFeatures = static_cast<VkStructureType>(1000506000);

// The matrices of f16 whose products a subgroup adds up in f32; none where the driver lacks the function.
std::vector<MatrixSize> matrix_sizes(VkInstance instance, VkPhysicalDevice device);

}  // namespace lathe::gpu
