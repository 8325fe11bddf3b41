// Keys and values of one text on a device, and where its next token stands.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "ops/device_memory.h"
#include "ops/kv_cache.h"

namespace lathe::ops {

class DeviceCache {
 public:
  // Of a model whose queries have `heads` heads; `shape` says the rest.
  static Result<DeviceCache> create(DeviceMemory& memory, const KvShape& shape, int64_t heads, int64_t positions);
  // One of more positions that has the first `count` of this one's.
  Result<DeviceCache> grown(DeviceMemory& memory, int64_t positions, int64_t count) const;

  int64_t positions() const { return positions_; }  // that there is room for
  const KvShape& shape() const { return shape_; }
  gpu::Place keys(int64_t layer) const { return {keys_[static_cast<size_t>(layer)].get(), 0}; }
  gpu::Place values(int64_t layer) const { return {values_[static_cast<size_t>(layer)].get(), 0}; }
  gpu::Place parts() const { return {parts_.get(), 0}; }  // of attention's splits
  int64_t keys_of_split() const { return keys_of_split_; }

 private:
  using Buffers = std::vector<std::shared_ptr<gpu::Buffer>>;

  KvShape shape_;
  int64_t heads_ = 0, positions_ = 0, keys_of_split_ = 0;
  Buffers keys_, values_;  // of each layer: f32 [positions][kv_heads][head_dim]
  std::shared_ptr<gpu::Buffer> parts_;
};

}  // namespace lathe::ops
