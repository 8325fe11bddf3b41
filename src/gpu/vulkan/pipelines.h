// Compiled shaders, and what the driver keeps of compiling them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gpu/device.h"
#include "gpu/vulkan/context.h"
#include "gpu/vulkan/volk.h"
#include "platform/once_maker.h"

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
  ~Pipelines();

  Result<std::shared_ptr<Pipeline>> compile(const PipelineSpec& spec);
  void prepare(const PipelineSpec& spec) { maker_->prepare(spec); }
  bool ready(const PipelineSpec& spec) const { return maker_->ready(spec); }
  int64_t compiled() const { return maker_->made(); }
  Result<std::vector<std::byte>> cache() const;
  const std::string& refusal() const { return refusal_; }

 private:
  // What came of it, for the device's own thread to judge: the context is that one's.
  struct Made {
    std::shared_ptr<VulkanPipeline> pipeline;
    VkResult result = VK_SUCCESS;
    std::string what;  // was done when it failed
    Status refused;
  };
  explicit Pipelines(std::shared_ptr<Context> context);
  Made make(const PipelineSpec& spec) const;  // from any thread: drivers lock their caches themselves

  std::shared_ptr<Context> context_;
  VkPipelineCache cache_ = VK_NULL_HANDLE;
  std::string refusal_;
  std::unique_ptr<OnceMaker<PipelineSpec, Made>> maker_;
};

// Why a driver may not be handed `cache`; empty where it may. Drivers are to check it and some of them crashed.
std::string cache_refusal(VkPhysicalDevice device, std::span<const std::byte> cache);

}  // namespace lathe::gpu
