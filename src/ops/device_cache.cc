#include "ops/device_cache.h"

#include <fmt/format.h>

#include "base/checked.h"

namespace lathe::ops {

Result<DeviceCache> DeviceCache::create(DeviceMemory& memory, const KvShape& shape, int64_t positions) {
  const auto bytes = checked_mul(positions, shape.kv_heads, shape.head_dim, 4);
  if (!bytes || *bytes < 1)
    return invalid_argument(fmt::format("keys of {} positions, {} heads of {}, needed: sizes that fit in memory",
                                        positions, shape.kv_heads, shape.head_dim));
  DeviceCache cache;
  cache.shape_ = shape;
  cache.positions_ = positions;
  for (int64_t layer = 0; layer < shape.layers; ++layer)
    for (Buffers* const buffers : {&cache.keys_, &cache.values_}) {
      auto made = memory.create(*bytes);
      if (!made) return made.status();
      buffers->push_back(std::move(*made));
    }
  return cache;
}

Result<DeviceCache> DeviceCache::grown(DeviceMemory& memory, int64_t positions, int64_t count) const {
  auto made = create(memory, shape_, positions);
  if (!made || count == 0) return made;
  auto recording = memory.device().record();
  if (!recording) return recording.status();
  const int64_t bytes = count * shape_.kv_heads * shape_.head_dim * 4;
  for (size_t layer = 0; layer < keys_.size(); ++layer) {
    (*recording)->copy(*keys_[layer], 0, *made->keys_[layer], 0, bytes);
    (*recording)->copy(*values_[layer], 0, *made->values_[layer], 0, bytes);
  }
  if (Status s = (*recording)->end(); !s.ok()) return s;
  if (Status s = memory.device().submit(**recording); !s.ok()) return s;
  return made;
}

}  // namespace lathe::ops
