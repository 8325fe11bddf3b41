#include "gpu/vulkan/context.h"

#include <utility>
#include <vector>

#include "gpu/device.h"
#include "gpu/vulkan/cooperative_matrix.h"
#include "gpu/vulkan/physical_device.h"
#include "gpu/vulkan/result.h"
#include "gpu/vulkan/structure.h"

namespace lathe::gpu {

Context::~Context() {
  if (device == VK_NULL_HANDLE) return;
  if (lost_.ok()) vk.vkDeviceWaitIdle(device);
  vk.vkDestroyFence(device, fence, nullptr);
  vk.vkDestroyPipelineLayout(device, layout, nullptr);
  vk.vkDestroyCommandPool(device, commands, nullptr);
  vk.vkDestroyDevice(device, nullptr);
}

Status Context::check(VkResult result, const char* what) const {
  Status status = to_status(result, what, device_label(info));
  if (result == VK_ERROR_DEVICE_LOST) lost_ = status;
  return status;
}

namespace {

Status create_device(Context* context) {
  const DeviceInfo& info = context->info;
  std::vector<const char*> extensions;
  auto size = structure<VkPhysicalDeviceSubgroupSizeControlFeaturesEXT>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT);
  size.subgroupSizeControl = size.computeFullSubgroups = VK_TRUE;
  auto f12 = structure<VkPhysicalDeviceVulkan12Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
  f12.bufferDeviceAddress = VK_TRUE;
  f12.subgroupBroadcastDynamicId = has(info, feature_bit(Feature::subgroup_broadcast));
  f12.shaderFloat16 = has(info, feature_bit(Feature::float16));
  f12.storageBuffer8BitAccess = has(info, feature_bit(Feature::storage8));
  auto matrices = structure<CooperativeMatrixFeatures>(kCooperativeMatrixFeatures);
  matrices.cooperativeMatrix = VK_TRUE;
  auto f11 = structure<VkPhysicalDeviceVulkan11Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, &f12);
  f11.storageBuffer16BitAccess = has(info, feature_bit(Feature::storage16));
  const auto features = structure<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &f11);
  if (has(info, feature_bit(Feature::subgroup_size_control))) {
    f12.pNext = &size;
    extensions.push_back(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
  }
  if (has(info, feature_bit(Feature::cooperative_matrix))) {
    matrices.pNext = std::exchange(f12.pNext, &matrices);
    // With the model on, what other shaders do atomically is of the device's scope, and that has to be asked for.
    f12.vulkanMemoryModel = f12.vulkanMemoryModelDeviceScope = VK_TRUE;
    extensions.push_back(kCooperativeMatrixExtension);
  }
  // Has to be asked for where it is there (MoltenVK).
  constexpr const char* kPortability = "VK_KHR_portability_subset";
  if (has_extension(context->physical, kPortability)) extensions.push_back(kPortability);

  const float priority = 1;
  auto queue = structure<VkDeviceQueueCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO);
  queue.queueFamilyIndex = context->family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  auto create = structure<VkDeviceCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, &features);
  create.queueCreateInfoCount = 1;
  create.pQueueCreateInfos = &queue;
  create.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
  create.ppEnabledExtensionNames = extensions.data();
  if (Status s = context->check(vkCreateDevice(context->physical, &create, nullptr, &context->device), "opening it");
      !s.ok())
    return s;
  volkLoadDeviceTable(&context->vk, context->device);
  context->vk.vkGetDeviceQueue(context->device, context->family, 0, &context->queue);
  return {};
}

Status create_layout(Context* context) {
  const VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0, static_cast<uint32_t>(kPushBytes)};
  auto info = structure<VkPipelineLayoutCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
  info.pushConstantRangeCount = 1;
  info.pPushConstantRanges = &range;
  return context->check(context->vk.vkCreatePipelineLayout(context->device, &info, nullptr, &context->layout),
                        "creating the layout of its pipelines");
}

Status create_submission(Context* context) {
  auto pool = structure<VkCommandPoolCreateInfo>(VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
  pool.queueFamilyIndex = context->family;
  const auto fence = structure<VkFenceCreateInfo>(VK_STRUCTURE_TYPE_FENCE_CREATE_INFO);
  Status s = context->check(context->vk.vkCreateCommandPool(context->device, &pool, nullptr, &context->commands),
                            "creating a command pool");
  if (!s.ok()) return s;
  return context->check(context->vk.vkCreateFence(context->device, &fence, nullptr, &context->fence),
                        "creating a fence");
}

}  // namespace

Result<std::shared_ptr<Context>> create_context(std::shared_ptr<InstanceHandle> instance, VkPhysicalDevice physical,
                                                const DeviceInfo& info) {
  auto context = std::make_shared<Context>();
  context->instance = std::move(instance);
  context->physical = physical;
  context->info = info;
  context->family = compute_family(physical).value_or(0);
  Status s = create_device(context.get());
  if (s.ok()) s = create_layout(context.get());
  if (s.ok()) s = create_submission(context.get());
  if (!s.ok()) return s;
  return context;
}

}  // namespace lathe::gpu
