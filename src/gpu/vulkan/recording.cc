#include "gpu/vulkan/recording.h"

#include <fmt/format.h>

#include "gpu/vulkan/memory.h"
#include "gpu/vulkan/physical_device.h"
#include "gpu/vulkan/pipelines.h"
#include "gpu/vulkan/structure.h"

namespace lathe::gpu {

Result<std::shared_ptr<Recording>> VulkanRecording::begin(std::shared_ptr<Context> context, int timestamps) {
  if (!context->lost().ok()) return context->lost();
  if (timestamps > 0 && !has(context->info, feature_bit(Feature::timestamps)))
    return unsupported(device_label(context->info) + " has no timestamps on the queue that computes");
  std::shared_ptr<VulkanRecording> made(new VulkanRecording(std::move(context), timestamps));
  if (Status s = made->start(); !s.ok()) return s;
  return std::shared_ptr<Recording>(std::move(made));
}

VulkanRecording::~VulkanRecording() {
  const Context& c = *context_;
  if (commands_ != VK_NULL_HANDLE) c.vk.vkFreeCommandBuffers(c.device, c.commands, 1, &commands_);
  c.vk.vkDestroyQueryPool(c.device, queries_, nullptr);
}

Status VulkanRecording::start() {
  const Context& c = *context_;
  auto allocate = structure<VkCommandBufferAllocateInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
  allocate.commandPool = c.commands;
  allocate.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  allocate.commandBufferCount = 1;
  Status s = c.check(c.vk.vkAllocateCommandBuffers(c.device, &allocate, &commands_), "allocating a command buffer");
  if (!s.ok()) return s;
  if (most_timestamps_ > 0) {
    auto queries = structure<VkQueryPoolCreateInfo>(VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO);
    queries.queryType = VK_QUERY_TYPE_TIMESTAMP;
    queries.queryCount = static_cast<uint32_t>(most_timestamps_);
    s = c.check(c.vk.vkCreateQueryPool(c.device, &queries, nullptr, &queries_), "creating timestamps");
    if (!s.ok()) return s;
  }
  const auto begin = structure<VkCommandBufferBeginInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
  s = c.check(c.vk.vkBeginCommandBuffer(commands_, &begin), "beginning a command buffer");
  if (s.ok() && most_timestamps_ > 0)
    c.vk.vkCmdResetQueryPool(commands_, queries_, 0, static_cast<uint32_t>(most_timestamps_));
  return s;
}

void VulkanRecording::refuse(std::string why) {
  if (status_.ok()) status_ = invalid_argument(device_label(context_->info) + ": " + std::move(why));
}

void VulkanRecording::dispatch(const Pipeline& pipeline, std::span<const std::byte> push, Groups groups) {
  const Context& c = *context_;
  const int64_t most = c.info.most_groups;
  if (groups.x < 1 || groups.y < 1 || groups.x > most || groups.y > most)
    return refuse(fmt::format("a dispatch of {} x {} groups, needed: 1 to {} either way", groups.x, groups.y, most));
  if (push.empty() || static_cast<int64_t>(push.size()) > kPushBytes || push.size() % 4 != 0)
    return refuse(fmt::format("{} bytes of push constants, needed: words, {} bytes at most", push.size(), kPushBytes));
  const VkPipeline handle = static_cast<const VulkanPipeline&>(pipeline).handle();
  if (handle != bound_) c.vk.vkCmdBindPipeline(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, handle);
  bound_ = handle;
  c.vk.vkCmdPushConstants(commands_, c.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, static_cast<uint32_t>(push.size()),
                          push.data());
  c.vk.vkCmdDispatch(commands_, static_cast<uint32_t>(groups.x), static_cast<uint32_t>(groups.y), 1);
}

void VulkanRecording::barrier() {
  constexpr VkPipelineStageFlags kWork = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
  constexpr VkAccessFlags kWrites = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  constexpr VkAccessFlags kAll = kWrites | VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT;
  const VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, kWrites, kAll};
  context_->vk.vkCmdPipelineBarrier(commands_, kWork, kWork, 0, 1, &barrier, 0, nullptr, 0, nullptr);
}

void VulkanRecording::copy(const Buffer& from, int64_t from_at, const Buffer& to, int64_t to_at, int64_t bytes) {
  const auto inside = [&](const Buffer& buffer, int64_t at) {
    return bytes > 0 && at >= 0 && at <= buffer.size() - bytes;
  };
  if (!inside(from, from_at) || !inside(to, to_at))
    return refuse(fmt::format("a copy of {} bytes from {} of {} to {} of {}, needed: both within their buffers", bytes,
                              from_at, from.size(), to_at, to.size()));
  const auto& source = static_cast<const VulkanBuffer&>(from);
  const auto& target = static_cast<const VulkanBuffer&>(to);
  const VkBufferCopy region{source.offset() + static_cast<VkDeviceSize>(from_at),
                            target.offset() + static_cast<VkDeviceSize>(to_at), static_cast<VkDeviceSize>(bytes)};
  context_->vk.vkCmdCopyBuffer(commands_, source.handle(), target.handle(), 1, &region);
}

void VulkanRecording::timestamp() {
  if (timestamps_ == most_timestamps_)
    return refuse(fmt::format("a timestamp more than the {} that the recording was made for", most_timestamps_));
  context_->vk.vkCmdWriteTimestamp(commands_, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries_,
                                   static_cast<uint32_t>(timestamps_++));
}

// What was written becomes the host's to read here, once, and not by a barrier behind each operation.
Status VulkanRecording::end() {
  const Context& c = *context_;
  if (ended_) return invalid_argument(device_label(c.info) + ": a recording was ended twice");
  ended_ = true;
  constexpr VkPipelineStageFlags kWork = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
  const VkMemoryBarrier to_host{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr,
                                VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT, VK_ACCESS_HOST_READ_BIT};
  c.vk.vkCmdPipelineBarrier(commands_, kWork, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &to_host, 0, nullptr, 0, nullptr);
  Status s = c.check(c.vk.vkEndCommandBuffer(commands_), "ending a command buffer");
  if (status_.ok()) status_ = s;
  return status_;
}

Result<std::vector<double>> VulkanRecording::read_timestamps() const {
  const Context& c = *context_;
  struct Query {
    uint64_t ticks = 0, there = 0;
  };
  std::vector<Query> queries(static_cast<size_t>(timestamps_));
  if (queries.empty()) return std::vector<double>();
  if (!submitted_) return failed(device_label(c.info) + ": timestamps of a recording that was not submitted");
  const VkResult result = c.vk.vkGetQueryPoolResults(c.device, queries_, 0, static_cast<uint32_t>(timestamps_),
                                                     queries.size() * sizeof(Query), queries.data(), sizeof(Query),
                                                     VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WITH_AVAILABILITY_BIT);
  if (result != VK_NOT_READY)
    if (Status s = c.check(result, "reading timestamps"); !s.ok()) return s;
  const int bits = c.info.timestamp_bits;
  const uint64_t mask = bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  std::vector<double> times;
  for (size_t i = 0; i < queries.size(); ++i) {
    if (queries[i].there == 0 || (queries[i].ticks & mask) == 0)
      return failed(
          fmt::format("{}: timestamp {} is {}", device_label(c.info), i, queries[i].there == 0 ? "absent" : "zero"));
    // From the first on, modulo what the counter counts: it may have begun again.
    times.push_back(static_cast<double>((queries[i].ticks - queries[0].ticks) & mask) * c.info.timestamp_ns);
  }
  return times;
}

}  // namespace lathe::gpu
