// Compiled shaders, and what the driver keeps of compiling them.
#pragma once

#include <volk.h>

#include <memory>
#include <string>
#include <vector>

#include "gpu/device.h"
#include "gpu/vulkan/context.h"

namespace lathe::gpu {

class VulkanPipeline final : public Pipeline {
 public:
  VulkanPipeline(std::shared_ptr<Context> context, PipelineSpec spec, VkPipeline handle)
      : context_(std::move(context)), spec_(std::move(spec)), handle_(handle) {}
  ~VulkanPipeline() override { context_->vk.vkDestroyPipeline(context_->device, handle_, nullptr); }
  const PipelineSpec& spec() const override { return spec_; }
  VkPipeline handle() const { return handle_; }

 private:
  std::shared_ptr<Context> context_;
  PipelineSpec spec_;
  VkPipeline handle_;
};

class Pipelines {
 public:
  static Result<std::unique_ptr<Pipelines>> create(std::shared_ptr<Context> context, std::span<const std::byte> cache);
  Pipelines(const Pipelines&) = delete;
  Pipelines& operator=(const Pipelines&) = delete;
  ~Pipelines() { context_->vk.vkDestroyPipelineCache(context_->device, cache_, nullptr); }

  // The one that was made before, where there is one of that description.
  Result<std::shared_ptr<Pipeline>> compile(const PipelineSpec& spec);
  Result<std::vector<std::byte>> cache() const;
  const std::string& refusal() const { return refusal_; }

 private:
  explicit Pipelines(std::shared_ptr<Context> context) : context_(std::move(context)) {}
  std::shared_ptr<Context> context_;
  VkPipelineCache cache_ = VK_NULL_HANDLE;
  std::string refusal_;
  std::vector<std::shared_ptr<VulkanPipeline>> made_;
};

// Why a driver may not be handed `cache`; empty where it may. Drivers are to check it and some of them crashed.
std::string cache_refusal(VkPhysicalDevice device, std::span<const std::byte> cache);

}  // namespace lathe::gpu
