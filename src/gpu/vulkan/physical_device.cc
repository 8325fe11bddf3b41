#include "gpu/vulkan/physical_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "gpu/device.h"
#include "gpu/vulkan/cooperative_matrix.h"
#include "gpu/vulkan/structure.h"

namespace lathe::gpu {
namespace {

std::string version_text(uint32_t version) {
  return std::to_string(VK_API_VERSION_MAJOR(version)) + "." + std::to_string(VK_API_VERSION_MINOR(version)) + "." +
         std::to_string(VK_API_VERSION_PATCH(version));
}

std::string hex(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

DeviceKind kind_of(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return DeviceKind::discrete;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return DeviceKind::integrated;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return DeviceKind::virtual_gpu;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return DeviceKind::cpu;
    default:
      return DeviceKind::other;
  }
}

std::vector<VkQueueFamilyProperties> families_of(VkPhysicalDevice device) {
  uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  return families;
}

// Structures are filled in only by drivers of the version or with the extension that has them.
struct Answers {
  VkPhysicalDeviceSubgroupSizeControlPropertiesEXT size = structure<VkPhysicalDeviceSubgroupSizeControlPropertiesEXT>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES_EXT);
  VkPhysicalDeviceVulkan12Properties v12 =
      structure<VkPhysicalDeviceVulkan12Properties>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES);
  VkPhysicalDeviceVulkan11Properties v11 =
      structure<VkPhysicalDeviceVulkan11Properties>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES);
  VkPhysicalDeviceProperties2 properties =
      structure<VkPhysicalDeviceProperties2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2);
  VkPhysicalDeviceSubgroupSizeControlFeaturesEXT size_features =
      structure<VkPhysicalDeviceSubgroupSizeControlFeaturesEXT>(
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT);
  CooperativeMatrixFeatures matrix_features = structure<CooperativeMatrixFeatures>(kCooperativeMatrixFeatures);
  VkPhysicalDeviceVulkan12Features f12 =
      structure<VkPhysicalDeviceVulkan12Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
  VkPhysicalDeviceVulkan11Features f11 =
      structure<VkPhysicalDeviceVulkan11Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
  VkPhysicalDeviceFeatures2 features =
      structure<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
};

void ask(VkPhysicalDevice device, Answers* a) {
  const bool size_control = has_extension(device, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
  a->v11.pNext = &a->v12;
  a->properties.pNext = &a->v11;
  a->f11.pNext = &a->f12;
  a->features.pNext = &a->f11;
  void** features = &a->f12.pNext;
  if (size_control) a->v12.pNext = &a->size, *features = &a->size_features, features = &a->size_features.pNext;
  if (has_extension(device, kCooperativeMatrixExtension)) *features = &a->matrix_features;
  vkGetPhysicalDeviceProperties2(device, &a->properties);
  vkGetPhysicalDeviceFeatures2(device, &a->features);
}

FeatureSet features_of(const Answers& a, bool timestamps) {
  FeatureSet set = 0;
  const auto add = [&](bool there, Feature feature) { set |= there ? feature_bit(feature) : 0; };
  const bool computes = (a.v11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0;
  const auto subgroup = [&](VkSubgroupFeatureFlags bit) {
    return computes && (a.v11.subgroupSupportedOperations & bit) != 0;
  };
  add(subgroup(VK_SUBGROUP_FEATURE_ARITHMETIC_BIT), Feature::subgroup_arithmetic);
  add(subgroup(VK_SUBGROUP_FEATURE_BALLOT_BIT) && a.f12.subgroupBroadcastDynamicId, Feature::subgroup_broadcast);
  add(a.size_features.subgroupSizeControl && a.size_features.computeFullSubgroups &&
          (a.size.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0,
      Feature::subgroup_size_control);
  add(timestamps, Feature::timestamps);
  add(a.f12.shaderFloat16, Feature::float16);
  add(a.f11.storageBuffer16BitAccess, Feature::storage16);
  add(a.f12.storageBuffer8BitAccess, Feature::storage8);
  add(a.matrix_features.cooperativeMatrix && a.f12.vulkanMemoryModel && a.f12.vulkanMemoryModelDeviceScope &&
          a.f12.shaderFloat16,
      Feature::cooperative_matrix);
  return set;
}

int64_t own_memory(VkPhysicalDevice device) {
  VkPhysicalDeviceMemoryProperties memory;
  vkGetPhysicalDeviceMemoryProperties(device, &memory);
  VkDeviceSize most = 0;
  for (uint32_t i = 0; i < memory.memoryHeapCount; ++i)
    if ((memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0)
      most = std::max(most, memory.memoryHeaps[i].size);
  return static_cast<int64_t>(most);
}

std::string why_unusable(const Answers& a, bool queue) {
  if (!queue) return "has no queue that computes";
  if (!a.f12.bufferDeviceAddress) return "lacks bufferDeviceAddress, needed: buffers with addresses";
  if (a.properties.properties.limits.maxPushConstantsSize < kPushBytes)
    return "takes " + std::to_string(a.properties.properties.limits.maxPushConstantsSize) +
           " bytes of push constants, needed: " + std::to_string(kPushBytes);
  return "";
}

void describe_limits(const Answers& a, DeviceInfo* info) {
  const VkPhysicalDeviceLimits& limits = a.properties.properties.limits;
  info->most_threads = std::min(limits.maxComputeWorkGroupInvocations, limits.maxComputeWorkGroupSize[0]);
  info->most_subgroups = a.size.maxComputeWorkgroupSubgroups;
  info->most_groups = std::min(limits.maxComputeWorkGroupCount[0], limits.maxComputeWorkGroupCount[1]);
  info->shared_bytes = limits.maxComputeSharedMemorySize;
  info->most_buffer_bytes = static_cast<int64_t>(std::min<VkDeviceSize>(a.v11.maxMemoryAllocationSize, INT64_MAX));
  info->subgroup_size = static_cast<int>(std::max(1u, a.v11.subgroupSize));
  info->subgroup_least = info->subgroup_most = info->subgroup_size;
  if (a.size.minSubgroupSize > 0) info->subgroup_least = static_cast<int>(a.size.minSubgroupSize);
  if (a.size.maxSubgroupSize > 0) info->subgroup_most = static_cast<int>(a.size.maxSubgroupSize);
}

}  // namespace

std::string device_label(const DeviceInfo& info) {
  return "vulkan:" + std::to_string(info.index) + " (" + info.name + ")";
}

bool has_extension(VkPhysicalDevice device, const char* name) {
  uint32_t count = 0;
  vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> extensions(count);
  vkEnumerateDeviceExtensionProperties(device, nullptr, &count, extensions.data());
  return std::any_of(extensions.begin(), extensions.end(),
                     [&](const VkExtensionProperties& e) { return std::strcmp(e.extensionName, name) == 0; });
}

std::optional<uint32_t> compute_family(VkPhysicalDevice device) {
  std::optional<uint32_t> chosen;
  const auto families = families_of(device);
  for (uint32_t i = 0; i < families.size(); ++i) {
    if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) == 0) continue;
    if ((families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT) != 0) return i;
    if (!chosen) chosen = i;
  }
  return chosen;
}

DeviceInfo describe(VkInstance instance, VkPhysicalDevice device, int index) {
  DeviceInfo info;
  info.index = index;
  VkPhysicalDeviceProperties plain;
  vkGetPhysicalDeviceProperties(device, &plain);
  info.name = plain.deviceName;
  info.vendor_id = plain.vendorID, info.device_id = plain.deviceID;
  info.kind = kind_of(plain.deviceType);
  info.api_version = version_text(plain.apiVersion);
  info.driver_version = version_text(plain.driverVersion);
  info.driver_number = plain.driverVersion;
  if (plain.apiVersion < VK_API_VERSION_1_2) {
    info.unusable = "is of Vulkan " + info.api_version + ", needed: 1.2";
    return info;
  }
  Answers answers;
  ask(device, &answers);
  info.driver = answers.v12.driverName;
  info.uuid = hex(answers.v11.deviceUUID);
  if (answers.v12.driverInfo[0] != '\0') info.driver_version = answers.v12.driverInfo;
  const auto family = compute_family(device);
  if (family) info.timestamp_bits = static_cast<int>(families_of(device)[*family].timestampValidBits);
  info.timestamp_ns = plain.limits.timestampPeriod;
  info.features = features_of(answers, info.timestamp_bits > 0);
  if (has(info, feature_bit(Feature::cooperative_matrix))) info.matrices = matrix_sizes(instance, device);
  info.memory_bytes = own_memory(device);
  describe_limits(answers, &info);
  info.unusable = why_unusable(answers, family.has_value());
  return info;
}

}  // namespace lathe::gpu
