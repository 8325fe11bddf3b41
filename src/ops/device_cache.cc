#include "ops/device_cache.h"

#include <fmt/format.h>

#include "base/checked.h"
#include "gpu/step_ops.h"
#include "ops/device_choice.h"

namespace lathe::ops {

Result<DeviceCache> DeviceCache::create(DeviceMemory& memory, const KvShape& shape, int64_t heads, int64_t positions) {
  const auto attention = choose_step(gpu::StepOp::attention, {}, memory.device().info());
  if (!attention) return attention.status();
  const auto bytes = checked_mul(positions, shape.kv_heads, shape.head_dim, 4);
  if (!bytes || *bytes < 1)
    return invalid_argument(fmt::format("keys of {} positions, {} heads of {}, needed: sizes that fit in memory",
                                        positions, shape.kv_heads, shape.head_dim));
  DeviceCache cache;
  cache.shape_ = shape;
  cache.heads_ = heads;
  cache.positions_ = positions;
  cache.keys_of_split_ = (*attention)->threads;
  for (int64_t layer = 0; layer < shape.layers; ++layer)
    for (Buffers* const buffers : {&cache.keys_, &cache.values_}) {
      auto made = memory.create(*bytes);
      if (!made) return made.status();
      buffers->push_back(std::move(*made));
    }
  auto parts = memory.create(gpu::attention_parts_bytes(heads, shape.head_dim, positions, cache.keys_of_split_));
  if (!parts) return parts.status();
  cache.parts_ = std::move(*parts);
  return cache;
}

Result<DeviceCache> DeviceCache::grown(DeviceMemory& memory, int64_t positions, int64_t count) const {
  auto made = create(memory, shape_, heads_, positions);
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
