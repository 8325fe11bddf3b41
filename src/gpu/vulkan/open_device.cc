#include "gpu/vulkan/open_device.h"

#include "gpu/vulkan/context.h"
#include "gpu/vulkan/memory.h"
#include "gpu/vulkan/physical_device.h"
#include "gpu/vulkan/pipelines.h"
#include "gpu/vulkan/recording.h"
#include "gpu/vulkan/structure.h"

namespace lathe::gpu {
namespace {

class VulkanDevice final : public Device {
 public:
  VulkanDevice(std::shared_ptr<Context> context, std::shared_ptr<Heap> heap, std::unique_ptr<Pipelines> pipelines)
      : context_(std::move(context)), heap_(std::move(heap)), pipelines_(std::move(pipelines)) {}

  const DeviceInfo& info() const override { return context_->info; }
  MemoryState memory() const override { return heap_->state(); }
  Result<std::shared_ptr<Buffer>> create_buffer(int64_t bytes, MemoryUse use) override {
    return heap_->take(bytes, use);
  }
  Result<std::shared_ptr<Pipeline>> create_pipeline(const PipelineSpec& spec) override {
    return pipelines_->compile(spec);
  }
  void prepare_pipeline(const PipelineSpec& spec) override { pipelines_->prepare(spec); }
  bool pipeline_ready(const PipelineSpec& spec) const override { return pipelines_->ready(spec); }
  int64_t pipelines_compiled() const override { return pipelines_->compiled(); }
  Result<std::shared_ptr<Recording>> record(int timestamps) override {
    return VulkanRecording::begin(context_, timestamps);
  }
  Status submit(const Recording& recording) override;
  Result<std::vector<double>> timestamps(const Recording& recording) override {
    return static_cast<const VulkanRecording&>(recording).read_timestamps();
  }
  Result<std::vector<std::byte>> pipeline_cache() const override { return pipelines_->cache(); }
  const std::string& pipeline_cache_refusal() const override { return pipelines_->refusal(); }

 private:
  std::shared_ptr<Context> context_;
  std::shared_ptr<Heap> heap_;
  std::unique_ptr<Pipelines> pipelines_;
};

Status VulkanDevice::submit(const Recording& recording) {
  const Context& c = *context_;
  if (!c.lost().ok()) return c.lost();
  const auto& recorded = static_cast<const VulkanRecording&>(recording);
  if (!recorded.ended())
    return invalid_argument(device_label(c.info) + ": a recording was submitted that has not ended well");
  const VkCommandBuffer commands = recorded.handle();
  auto info = structure<VkSubmitInfo>(VK_STRUCTURE_TYPE_SUBMIT_INFO);
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  Status s = c.check(c.vk.vkResetFences(c.device, 1, &c.fence), "resetting a fence");
  if (s.ok()) s = c.check(c.vk.vkQueueSubmit(c.queue, 1, &info, c.fence), "submitting");
  if (s.ok()) recorded.set_submitted();
  if (s.ok()) s = c.check(c.vk.vkWaitForFences(c.device, 1, &c.fence, VK_TRUE, UINT64_MAX), "waiting for it");
  return s;
}

}  // namespace

Result<std::shared_ptr<Device>> open_device(std::shared_ptr<InstanceHandle> instance, VkPhysicalDevice physical,
                                            const DeviceInfo& info, const DeviceOptions& options) {
  if (options.memory_budget < 0)
    return invalid_argument("the memory budget is " + std::to_string(options.memory_budget) +
                            " bytes, needed: 0 or more");
  auto context = create_context(std::move(instance), physical, info);
  if (!context) return context.status();
  const int64_t budget = options.memory_budget > 0 ? options.memory_budget : info.memory_bytes / 10 * 9;
  auto heap = std::make_shared<Heap>(*context, budget);
  auto pipelines = Pipelines::create(*context, options.pipeline_cache);
  if (!pipelines) return pipelines.status();
  return std::shared_ptr<Device>(
      std::make_shared<VulkanDevice>(std::move(*context), std::move(heap), std::move(*pipelines)));
}

}  // namespace lathe::gpu
