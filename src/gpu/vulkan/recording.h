// A command buffer, the timestamps in it, and what it uses.
#pragma once

#include <memory>
#include <vector>

#include "gpu/device.h"
#include "gpu/vulkan/context.h"
#include "gpu/vulkan/volk.h"

namespace lathe::gpu {

class VulkanRecording final : public Recording {
 public:
  static Result<std::shared_ptr<Recording>> begin(std::shared_ptr<Context> context, int timestamps);
  VulkanRecording(const VulkanRecording&) = delete;
  VulkanRecording& operator=(const VulkanRecording&) = delete;
  ~VulkanRecording() override;

  void dispatch(const Pipeline& pipeline, std::span<const std::byte> push, Groups groups) override;
  void barrier() override;
  void copy(const Buffer& from, int64_t from_at, const Buffer& to, int64_t to_at, int64_t bytes) override;
  void timestamp() override;
  Status end() override;

  bool ended() const { return ended_ && status_.ok(); }
  VkCommandBuffer handle() const { return commands_; }
  void set_submitted() const { submitted_ = true; }
  Result<std::vector<double>> read_timestamps() const;

 private:
  VulkanRecording(std::shared_ptr<Context> context, int timestamps)
      : context_(std::move(context)), most_timestamps_(timestamps) {}
  Status start();
  void refuse(std::string why);

  std::shared_ptr<Context> context_;
  VkCommandBuffer commands_ = VK_NULL_HANDLE;
  VkQueryPool queries_ = VK_NULL_HANDLE;
  VkPipeline bound_ = VK_NULL_HANDLE;
  int timestamps_ = 0, most_timestamps_ = 0;
  bool ended_ = false;
  mutable bool submitted_ = false;  // its timestamps may be read
  Status status_;
};

}  // namespace lathe::gpu
