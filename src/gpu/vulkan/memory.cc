#include "gpu/vulkan/memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "gpu/vulkan/physical_device.h"
#include "gpu/vulkan/structure.h"

namespace lathe::gpu {
namespace {

constexpr int64_t kBlockBytes = int64_t{64} << 20;  // from half of it on a buffer has a block of its own
constexpr int64_t kAlignment = 256;  // above every alignment that Vulkan lets a device ask for in buffers

double mib(int64_t bytes) { return static_cast<double>(bytes) / 0x1p20; }

VkMemoryPropertyFlags needed(MemoryUse use) {
  if (use == MemoryUse::device) return VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
  return VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
}

// Reading uncached memory takes the host about a hundred times as long as reading cached memory.
VkMemoryPropertyFlags preferred(MemoryUse use) {
  return use == MemoryUse::readback ? needed(use) | VK_MEMORY_PROPERTY_HOST_CACHED_BIT : needed(use);
}

}  // namespace

Heap::~Heap() {
  for (Blocks& blocks : blocks_)
    for (const auto& block : blocks) destroy(block.get());
}

Result<std::shared_ptr<Buffer>> Heap::take(int64_t bytes, MemoryUse use) {
  if (bytes < 1 || bytes > context_->info.most_buffer_bytes)
    return invalid_argument(fmt::format("{}: a buffer of {} bytes, needed: 1 to {}", device_label(context_->info),
                                        bytes, context_->info.most_buffer_bytes));
  const int64_t taken = round_up(bytes, kAlignment);
  const auto made = [&](Block* block, int64_t at) -> std::shared_ptr<Buffer> {
    if (use == MemoryUse::device) state_.used += taken;
    return std::make_shared<VulkanBuffer>(shared_from_this(), block, at, bytes, taken, use);
  };
  for (const auto& block : blocks_of(use))
    if (const auto at = block->free.take(taken, kAlignment)) return made(block.get(), *at);
  auto block = add_block(taken, use);
  if (!block) return block.status();
  return made(*block, *(*block)->free.take(taken, kAlignment));
}

void Heap::give(Block* block, int64_t at, int64_t bytes, MemoryUse use) {
  block->free.give(at, bytes);
  if (use == MemoryUse::device) state_.used -= bytes;
  if (!block->free.empty()) return;
  if (use == MemoryUse::device) state_.reserved -= block->bytes;
  --state_.blocks;
  destroy(block);
  std::erase_if(blocks_of(use), [&](const auto& held) { return held.get() == block; });
}

// As much as the budget leaves, where that is less than a whole block.
int64_t Heap::block_bytes(int64_t bytes, MemoryUse use) const {
  if (bytes >= kBlockBytes / 2) return bytes;
  if (use != MemoryUse::device) return kBlockBytes;
  return std::max(bytes, std::min(kBlockBytes, state_.budget - state_.reserved) / kAlignment * kAlignment);
}

Result<Block*> Heap::add_block(int64_t bytes, MemoryUse use) {
  if (!context_->lost().ok()) return context_->lost();
  auto block = std::make_unique<Block>();
  block->bytes = block_bytes(bytes, use);
  if (use == MemoryUse::device && state_.reserved + block->bytes > state_.budget)
    return out_of_memory(fmt::format(
        "{}: a buffer of {:.1f} MiB beside {:.1f} MiB in {:.1f} MiB of blocks, needed: at most the budget of {:.1f} "
        "MiB",
        device_label(context_->info), mib(bytes), mib(state_.used), mib(state_.reserved), mib(state_.budget)));
  Status s = allocate(use, block.get());
  if (s.code() == Code::out_of_memory && block->bytes > bytes) {  // less may still be had
    destroy(block.get());
    *block = Block{};
    block->bytes = bytes;
    s = allocate(use, block.get());
  }
  if (!s.ok()) {
    destroy(block.get());
    if (s.code() != Code::out_of_memory) return s;
    return out_of_memory(fmt::format("{}; wanted: {:.1f} MiB beside {:.1f} MiB that lathe holds there", s.message(),
                                     mib(block->bytes), mib(state_.reserved)));
  }
  block->free = FreeRanges(block->bytes);
  if (use == MemoryUse::device) state_.reserved += block->bytes;
  ++state_.blocks;
  blocks_of(use).push_back(std::move(block));
  return blocks_of(use).back().get();
}

Status Heap::allocate(MemoryUse use, Block* block) {
  const Context& c = *context_;
  auto create = structure<VkBufferCreateInfo>(VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO);
  create.size = static_cast<VkDeviceSize>(block->bytes);
  create.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                 VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
  if (Status s = c.check(c.vk.vkCreateBuffer(c.device, &create, nullptr, &block->buffer), "creating a buffer"); !s.ok())
    return s;
  VkMemoryRequirements requirements;
  c.vk.vkGetBufferMemoryRequirements(c.device, block->buffer, &requirements);
  const auto type = memory_type(requirements.memoryTypeBits, use);
  if (!type) return type.status();
  auto flags = structure<VkMemoryAllocateFlagsInfo>(VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO);
  flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
  const VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &flags, requirements.size, *type};
  Status s = c.check(c.vk.vkAllocateMemory(c.device, &allocate, nullptr, &block->memory), "allocating memory");
  if (s.ok()) s = c.check(c.vk.vkBindBufferMemory(c.device, block->buffer, block->memory, 0), "binding memory");
  if (!s.ok()) return s;
  const VkBufferDeviceAddressInfo asked{VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, nullptr, block->buffer};
  block->address = c.vk.vkGetBufferDeviceAddress(c.device, &asked);
  if (use == MemoryUse::device) return {};
  void* mapped = nullptr;
  s = c.check(c.vk.vkMapMemory(c.device, block->memory, 0, VK_WHOLE_SIZE, 0, &mapped), "mapping memory");
  block->mapped = static_cast<std::byte*>(mapped);
  return s;
}

Result<uint32_t> Heap::memory_type(uint32_t allowed, MemoryUse use) const {
  VkPhysicalDeviceMemoryProperties memory;
  vkGetPhysicalDeviceMemoryProperties(context_->physical, &memory);
  for (const VkMemoryPropertyFlags wanted : {preferred(use), needed(use)})
    for (uint32_t i = 0; i < memory.memoryTypeCount; ++i)
      if ((allowed >> i & 1) != 0 && (memory.memoryTypes[i].propertyFlags & wanted) == wanted) return i;
  return unsupported(device_label(context_->info) + ": no memory for " +
                     (use == MemoryUse::device ? "the device" : "the host to write or read"));
}

void Heap::destroy(Block* block) {
  const Context& c = *context_;
  c.vk.vkDestroyBuffer(c.device, block->buffer, nullptr);
  c.vk.vkFreeMemory(c.device, block->memory, nullptr);  // unmaps it
}

}  // namespace lathe::gpu
