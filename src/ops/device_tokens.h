// The tokens of a pass in the device's memory: the host writes others before each run of a recording.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "ops/device_memory.h"

namespace lathe::ops {

// Where a recorded pass finds them: uint32 for each token, and gpu::AttentionTile.
struct PassTokens {
  gpu::Place ids, positions;
  gpu::Place slots;  // of the cache, that keys and values go to
  gpu::Place tiles;  // of a pass of several tokens
  int64_t rows = 1, tile_count = 0;
  // Of texts that see themselves alone, as encoders have them: where each begins, and the tokens at its beginning that
  // are not pooled; uint32 [texts + 1] and [texts].
  gpu::Place offsets{}, skip{};
  int64_t texts = 0;
};

// Up to `rows` neighbours of one text. Of one token, ids and positions are a gpu::StepState, which argmax moves on.
class DeviceTokens {
 public:
  // Heads of `head_dim` say how many queries attention takes at once.
  static Result<DeviceTokens> create(gpu::Device& device, int64_t rows, int64_t head_dim);

  int64_t rows() const { return places_.rows; }
  const PassTokens& places() const { return places_; }
  // What the next run is of: 1 to rows() tokens, from `position` on. Rows without a token write nothing to the cache.
  void set(std::span<const int32_t> ids, int64_t position);
  // From the host's memory to the device's, which a recording begins with.
  gpu::Place from() const { return {host_.get(), 0}; }
  gpu::Place to() const { return {device_.get(), 0}; }
  int64_t bytes() const { return host_->size(); }

 private:
  PassTokens places_;
  int64_t tile_rows_ = 1;
  std::shared_ptr<gpu::Buffer> host_, device_;
};

}  // namespace lathe::ops
