#include "ops/device_tokens.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "gpu/step_ops.h"
#include "ops/device_choice.h"

namespace lathe::ops {
namespace {

constexpr int64_t kWord = sizeof(uint32_t), kTile = sizeof(gpu::AttentionTile);

}  // namespace

Result<DeviceTokens> DeviceTokens::create(gpu::Device& device, int64_t rows, int64_t head_dim) {
  DeviceTokens made;
  int64_t words = 2 * rows, tiles = 0;
  if (rows > 1) {
    const auto attention = choose_step(gpu::StepOp::attention_tiles, {.dim = head_dim}, device.info());
    if (!attention) return attention.status();
    made.tile_rows_ = (*attention)->tile_rows;
    tiles = ceil_div(rows, made.tile_rows_);
    words = 3 * rows;
  }
  auto host = device.create_buffer(words * kWord + tiles * kTile, gpu::MemoryUse::upload);
  if (!host) return host.status();
  auto there = device.create_buffer((*host)->size(), gpu::MemoryUse::device);
  if (!there) return there.status();
  made.host_ = std::move(*host);
  made.device_ = std::move(*there);
  const auto at = [&](int64_t word) { return gpu::Place{made.device_.get(), word * kWord}; };
  made.places_ = {.ids = at(0),
                  .positions = at(rows),
                  .slots = at(rows > 1 ? 2 * rows : rows),
                  .tiles = at(words),
                  .rows = rows,
                  .tile_count = tiles};
  return made;
}

void DeviceTokens::set(std::span<const int32_t> ids, int64_t position) {
  const int64_t rows = places_.rows, count = std::ssize(ids);
  auto* const words = reinterpret_cast<uint32_t*>(host_->mapped());
  for (int64_t i = 0; i < rows; ++i) {
    const bool there = i < count;
    words[i] = there ? static_cast<uint32_t>(ids[static_cast<size_t>(i)]) : 0;
    words[rows + i] = static_cast<uint32_t>(there ? position + i : 0);
    if (rows > 1) words[2 * rows + i] = there ? words[rows + i] : UINT32_MAX;
  }
  for (int64_t i = 0; i < places_.tile_count; ++i) {
    const int64_t first = i * tile_rows_, of_tile = std::clamp<int64_t>(count - first, 0, tile_rows_);
    const gpu::AttentionTile tile = {.q_row = static_cast<uint32_t>(first),
                                     .rows = static_cast<uint32_t>(of_tile),
                                     .position = static_cast<uint32_t>(position + first),
                                     .key_row = 0,
                                     .keys = static_cast<uint32_t>(position + count)};
    std::memcpy(host_->mapped() + places_.tiles.at + i * kTile, &tile, sizeof tile);
  }
}

}  // namespace lathe::ops
