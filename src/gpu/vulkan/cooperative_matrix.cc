#include "gpu/vulkan/cooperative_matrix.h"

#include "gpu/vulkan/structure.h"

namespace lathe::gpu {
namespace {

// VkCooperativeMatrixPropertiesKHR, VkComponentTypeKHR, VkScopeKHR.
struct Properties {
  VkStructureType sType;
  void* pNext;
  uint32_t m, n, k;
  int32_t a, b, c, result;
  VkBool32 saturating;
  int32_t scope;
};
constexpr auto kProperties = static_cast<VkStructureType>(1000506001);
constexpr int32_t kFloat16 = 0, kFloat32 = 1, kSubgroup = 3;
using GetProperties = VkResult(VKAPI_PTR*)(VkPhysicalDevice, uint32_t*, Properties*);

}  // namespace

std::vector<MatrixSize> matrix_sizes(VkInstance instance, VkPhysicalDevice device) {
  const auto get = reinterpret_cast<GetProperties>(
      vkGetInstanceProcAddr(instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR"));
  uint32_t count = 0;
  if (get == nullptr || get(device, &count, nullptr) != VK_SUCCESS) return {};
  std::vector<Properties> all(count, structure<Properties>(kProperties));
  if (get(device, &count, all.data()) != VK_SUCCESS) return {};
  std::vector<MatrixSize> sizes;
  for (const Properties& p : all)
    if (p.a == kFloat16 && p.b == kFloat16 && p.c == kFloat32 && p.result == kFloat32 && p.scope == kSubgroup)
      sizes.push_back({p.m, p.n, p.k});
  return sizes;
}

}  // namespace lathe::gpu
