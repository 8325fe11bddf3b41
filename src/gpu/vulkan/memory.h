// Memory in big blocks, one VkBuffer over each, of which buffers are pieces. Drivers allow a few thousand allocations
// (4096 is usual) and take their time over each; a model has hundreds of tensors.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "gpu/device.h"
#include "gpu/free_ranges.h"
#include "gpu/vulkan/context.h"
#include "gpu/vulkan/volk.h"

namespace lathe::gpu {

struct Block {
  VkBuffer buffer = VK_NULL_HANDLE;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  VkDeviceAddress address = 0;
  std::byte* mapped = nullptr;
  int64_t bytes = 0;
  FreeRanges free{0};
};

class Heap : public std::enable_shared_from_this<Heap> {
 public:
  Heap(std::shared_ptr<Context> context, int64_t budget) : context_(std::move(context)) { state_.budget = budget; }
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;
  ~Heap();

  Result<std::shared_ptr<Buffer>> take(int64_t bytes, MemoryUse use);
  const MemoryState& state() const { return state_; }

 private:
  friend class VulkanBuffer;
  using Blocks = std::vector<std::unique_ptr<Block>>;

  void give(Block* block, int64_t at, int64_t bytes, MemoryUse use);
  Result<Block*> add_block(int64_t bytes, MemoryUse use);
  Status allocate(MemoryUse use, Block* block);
  Result<uint32_t> memory_type(uint32_t allowed, MemoryUse use) const;
  int64_t block_bytes(int64_t bytes, MemoryUse use) const;
  void destroy(Block* block);
  Blocks& blocks_of(MemoryUse use) { return blocks_[static_cast<size_t>(use)]; }

  std::shared_ptr<Context> context_;
  MemoryState state_;
  std::array<Blocks, 3> blocks_;  // by use
};

// A piece of a block.
class VulkanBuffer final : public Buffer {
 public:
  VulkanBuffer(std::shared_ptr<Heap> heap, Block* block, int64_t at, int64_t bytes, int64_t taken, MemoryUse use)
      : heap_(std::move(heap)), block_(block), at_(at), bytes_(bytes), taken_(taken), use_(use) {}
  ~VulkanBuffer() override { heap_->give(block_, at_, taken_, use_); }
  int64_t size() const override { return bytes_; }
  uint64_t address() const override { return block_->address + static_cast<uint64_t>(at_); }
  std::byte* mapped() const override { return block_->mapped == nullptr ? nullptr : block_->mapped + at_; }
  VkBuffer handle() const { return block_->buffer; }
  VkDeviceSize offset() const { return static_cast<VkDeviceSize>(at_); }

 private:
  std::shared_ptr<Heap> heap_;
  Block* block_;
  int64_t at_, bytes_, taken_;
  MemoryUse use_;
};

}  // namespace lathe::gpu
