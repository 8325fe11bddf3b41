// Keys and values of one text on a device.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "ops/device_memory.h"
#include "ops/kv_cache.h"

namespace lathe::ops {

class DeviceCache {
 public:
  static Result<DeviceCache> create(DeviceMemory& memory, const KvShape& shape, int64_t positions);
  // One of more positions that has the first `count` of this one's.
  Result<DeviceCache> grown(DeviceMemory& memory, int64_t positions, int64_t count) const;

  int64_t positions() const { return positions_; }  // that there is room for
  int64_t layers() const { return shape_.layers; }
  // Of each layer: f32 [positions][kv_heads][head_dim].
  const gpu::Buffer& keys(int64_t layer) const { return *keys_[static_cast<size_t>(layer)]; }
  const gpu::Buffer& values(int64_t layer) const { return *values_[static_cast<size_t>(layer)]; }

 private:
  using Buffers = std::vector<std::shared_ptr<gpu::Buffer>>;

  KvShape shape_;
  int64_t positions_ = 0;
  Buffers keys_, values_;
};

// What a recorded pass knows of its texts' caches. Where they lie is among its tokens, so that it can be run for
// others.
struct PassCaches {
  KvShape shape;
  int64_t positions = 1;  // that one has at most
  gpu::Place parts;       // of attention's splits, for a query of each text
  int64_t keys_of_split = 1;
};

}  // namespace lathe::ops
