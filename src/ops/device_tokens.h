// The tokens of a pass in the device's memory: the host writes others before each run of a recording.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "ops/device_cache.h"
#include "ops/device_memory.h"

namespace lathe::ops {

// Where a recorded pass finds them: uint32 for each token, and gpu::AttentionTile.
struct PassTokens {
  gpu::Place ids, positions;
  gpu::Place slots;  // of their text's cache, that keys and values go to
  gpu::Place tiles;  // of a pass of several tokens of a text
  int64_t rows = 1, tile_count = 0;
  // Of texts whose keys and values are cached, each with as many rows: the addresses of their caches, uint64 [keys,
  // then values, of each layer][cached_texts], and the positions that they have room for, uint32 [cached_texts].
  gpu::Place caches{}, rooms{};
  int64_t cached_texts = 0;
  gpu::Place keys(int64_t layer) const { return cache(2 * layer); }
  gpu::Place values(int64_t layer) const { return cache(2 * layer + 1); }
  // Of texts that see themselves alone, as encoders have them: where each begins, and the tokens at its beginning that
  // are not pooled; uint32 [texts + 1] and [texts].
  gpu::Place offsets{}, skip{};
  int64_t texts = 0;

 private:
  gpu::Place cache(int64_t i) const {
    return {caches.buffer, caches.at + i * cached_texts * int64_t{sizeof(uint64_t)}};
  }
};

// A text's next tokens, and where what came before is cached.
struct TextTokens {
  std::span<const int32_t> ids;
  int64_t position = 0;
  const DeviceCache* cache = nullptr;
};

// Neighbours of each of some texts: many of one text, or one of each. Of one each, argmax moves ids and positions on.
class DeviceTokens {
 public:
  struct Shape {
    int64_t texts = 1, rows_of_text = 1;
    int64_t layers = 1, head_dim = 1;  // of the model; these say how many queries attention takes at once
  };
  static Result<DeviceTokens> create(gpu::Device& device, const Shape& shape);

  int64_t texts() const { return shape_.texts; }
  int64_t rows() const { return places_.rows; }
  const PassTokens& places() const { return places_; }
  // What the next run is of: so many texts and tokens of each at most. Rows without a token write nothing to a cache.
  void set(std::span<const TextTokens> texts);
  // From the host's memory to the device's, which a recording begins with.
  gpu::Place from() const { return {host_.get(), 0}; }
  gpu::Place to() const { return {device_.get(), 0}; }
  int64_t bytes() const { return host_->size(); }

 private:
  void set_text(int64_t text, const TextTokens& tokens);
  std::byte* host(const gpu::Place& place) const { return host_->mapped() + place.at; }

  Shape shape_;
  PassTokens places_;
  int64_t tile_rows_ = 1, tiles_of_text_ = 0;
  std::shared_ptr<gpu::Buffer> host_, device_;
};

}  // namespace lathe::ops
