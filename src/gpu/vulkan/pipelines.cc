#include "gpu/vulkan/pipelines.h"

#include <cstring>

#include "gpu/vulkan/physical_device.h"
#include "gpu/vulkan/shader_code.h"
#include "gpu/vulkan/structure.h"

namespace lathe::gpu {
namespace {

// A shader module lives until its pipeline is made.
struct Module {
  const Context& context;
  VkShaderModule handle = VK_NULL_HANDLE;
  ~Module() { context.vk.vkDestroyShaderModule(context.device, handle, nullptr); }
};

std::vector<VkSpecializationMapEntry> entries_of(const PipelineSpec& spec) {
  std::vector<VkSpecializationMapEntry> entries;
  for (uint32_t i = 0; i < spec.constants.size(); ++i) entries.push_back({i, i * 4, 4});
  return entries;
}

}  // namespace

std::string cache_refusal(VkPhysicalDevice device, std::span<const std::byte> cache) {
  VkPipelineCacheHeaderVersionOne head;
  if (cache.size() < sizeof head)
    return "is of " + std::to_string(cache.size()) + " bytes, needed: a header of " + std::to_string(sizeof head);
  std::memcpy(&head, cache.data(), sizeof head);
  VkPhysicalDeviceProperties here;
  vkGetPhysicalDeviceProperties(device, &here);
  if (head.headerSize != sizeof head || head.headerVersion != VK_PIPELINE_CACHE_HEADER_VERSION_ONE)
    return "has a header of another version";
  if (head.vendorID != here.vendorID || head.deviceID != here.deviceID) return "is of another device";
  if (std::memcmp(head.pipelineCacheUUID, here.pipelineCacheUUID, VK_UUID_SIZE) != 0) return "is of another driver";
  return "";
}

Result<std::unique_ptr<Pipelines>> Pipelines::create(std::shared_ptr<Context> context,
                                                     std::span<const std::byte> cache) {
  std::unique_ptr<Pipelines> made(new Pipelines(std::move(context)));
  if (!cache.empty()) made->refusal_ = cache_refusal(made->context_->physical, cache);
  auto info = structure<VkPipelineCacheCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO);
  if (made->refusal_.empty()) info.initialDataSize = cache.size(), info.pInitialData = cache.data();
  const Context& c = *made->context_;
  if (Status s = c.check(c.vk.vkCreatePipelineCache(c.device, &info, nullptr, &made->cache_),
                         "creating the cache of its pipelines");
      !s.ok())
    return s;
  return made;
}

Pipelines::Pipelines(std::shared_ptr<Context> context)
    : context_(std::move(context)),
      maker_(std::make_unique<OnceMaker<PipelineSpec, Made>>([this](const PipelineSpec& spec) { return make(spec); })) {
}

Pipelines::~Pipelines() {
  maker_.reset();  // its thread compiles with the cache
  context_->vk.vkDestroyPipelineCache(context_->device, cache_, nullptr);
}

Result<std::shared_ptr<Pipeline>> Pipelines::compile(const PipelineSpec& spec) {
  if (!context_->lost().ok()) return context_->lost();
  Made made = maker_->get(spec);
  if (made.pipeline != nullptr) return std::shared_ptr<Pipeline>(std::move(made.pipeline));
  maker_->forget(spec);  // memory may be there another time
  if (!made.refused.ok()) return made.refused;
  return context_->check(made.result, made.what.c_str());
}

Pipelines::Made Pipelines::make(const PipelineSpec& spec) const {
  const Context& c = *context_;
  Made made;
  const auto code = shader_code(spec.shader);
  if (code.empty()) made.refused = not_found("there is no shader '" + spec.shader + "' in this build");
  if (spec.full_subgroups && !has(c.info, feature_bit(Feature::subgroup_size_control)))
    made.refused =
        unsupported(device_label(c.info) + " lacks subgroup_size_control, needed by shader '" + spec.shader + "'");
  if (!made.refused.ok()) return made;
  auto module_info = structure<VkShaderModuleCreateInfo>(VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
  module_info.codeSize = code.size_bytes();
  module_info.pCode = code.data();
  Module module{c};
  made.what = "loading the shader " + spec.shader;
  made.result = c.vk.vkCreateShaderModule(c.device, &module_info, nullptr, &module.handle);
  if (made.result != VK_SUCCESS) return made;
  const auto entries = entries_of(spec);
  const VkSpecializationInfo constants{static_cast<uint32_t>(entries.size()), entries.data(), spec.constants.size() * 4,
                                       spec.constants.data()};
  auto size = structure<VkPipelineShaderStageRequiredSubgroupSizeCreateInfoEXT>(
      VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO_EXT);
  size.requiredSubgroupSize = static_cast<uint32_t>(c.info.subgroup_size);
  auto info = structure<VkComputePipelineCreateInfo>(VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO);
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  if (spec.full_subgroups) {
    // A device of one size is asked for nothing: asking limits the subgroups of a workgroup.
    if (c.info.subgroup_least != c.info.subgroup_most) info.stage.pNext = &size;
    info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT_EXT;
  }
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module.handle;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &constants;
  info.layout = c.layout;
  VkPipeline pipeline = VK_NULL_HANDLE;
  made.what = "compiling the shader " + spec.shader;
  made.result = c.vk.vkCreateComputePipelines(c.device, cache_, 1, &info, nullptr, &pipeline);
  if (made.result == VK_SUCCESS) made.pipeline = std::make_shared<VulkanPipeline>(context_, spec, pipeline);
  return made;
}

Result<std::vector<std::byte>> Pipelines::cache() const {
  const Context& c = *context_;
  size_t size = 0;
  // While others compile it may grow between the two calls: what fits is whole by itself.
  constexpr const char* kWhat = "reading the cache of its pipelines";
  if (Status s = c.check(c.vk.vkGetPipelineCacheData(c.device, cache_, &size, nullptr), kWhat); !s.ok()) return s;
  std::vector<std::byte> bytes(size);
  const VkResult result = c.vk.vkGetPipelineCacheData(c.device, cache_, &size, bytes.data());
  if (Status s = c.check(result == VK_INCOMPLETE ? VK_SUCCESS : result, kWhat); !s.ok()) return s;
  // Of Mesa's device in software the head itself is cut short: there is nothing to keep.
  bytes.resize(size < sizeof(VkPipelineCacheHeaderVersionOne) ? 0 : size);
  return bytes;
}

}  // namespace lathe::gpu
