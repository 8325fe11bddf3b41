#include "ops/device_tokens.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "gpu/step_ops.h"
#include "ops/device_choice.h"

namespace lathe::ops {
namespace {

constexpr int64_t kWord = sizeof(uint32_t), kAddress = sizeof(uint64_t), kTile = sizeof(gpu::AttentionTile);

template <class T>
void put(std::byte* array, int64_t i, T value) {
  std::memcpy(array + i * int64_t{sizeof(T)}, &value, sizeof value);
}

}  // namespace

// With one token of each text its slot is its position, so that one that argmax has moved on is stored behind.
Result<DeviceTokens> DeviceTokens::create(gpu::Device& device, const Shape& shape) {
  DeviceTokens made;
  made.shape_ = shape;
  const bool many = shape.rows_of_text > 1;
  if (many) {
    const auto attention = choose_step(gpu::StepOp::attention_tiles, {.dim = shape.head_dim}, device.info());
    if (!attention) return attention.status();
    made.tile_rows_ = (*attention)->tile_rows;
    made.tiles_of_text_ = ceil_div(shape.rows_of_text, made.tile_rows_);
  }
  const int64_t rows = shape.texts * shape.rows_of_text, tiles = shape.texts * made.tiles_of_text_;
  const int64_t rooms = (many ? 3 : 2) * rows, caches = round_up((rooms + shape.texts) * kWord, kAddress);
  const int64_t tiles_at = caches + 2 * shape.layers * shape.texts * kAddress;
  auto host = device.create_buffer(tiles_at + tiles * kTile, gpu::MemoryUse::upload);
  if (!host) return host.status();
  auto there = device.create_buffer((*host)->size(), gpu::MemoryUse::device);
  if (!there) return there.status();
  made.host_ = std::move(*host);
  made.device_ = std::move(*there);
  const auto at = [&](int64_t byte) { return gpu::Place{made.device_.get(), byte}; };
  made.places_.ids = at(0), made.places_.positions = at(rows * kWord);
  made.places_.slots = many ? at(2 * rows * kWord) : made.places_.positions;
  made.places_.tiles = at(tiles_at);
  made.places_.rows = rows, made.places_.tile_count = tiles;
  made.places_.caches = at(caches), made.places_.rooms = at(rooms * kWord);
  made.places_.cached_texts = shape.texts;
  return made;
}

void DeviceTokens::set_text(int64_t text, const TextTokens& tokens) {
  const int64_t rows = shape_.rows_of_text, first = text * rows, count = std::ssize(tokens.ids);
  for (int64_t i = 0; i < rows; ++i) {
    const bool there = i < count;
    const auto position = static_cast<uint32_t>(there ? tokens.position + i : 0);
    put(host(places_.ids), first + i, static_cast<uint32_t>(there ? tokens.ids[static_cast<size_t>(i)] : 0));
    put(host(places_.positions), first + i, position);
    if (rows > 1) put(host(places_.slots), first + i, there ? position : UINT32_MAX);
  }
  put(host(places_.rooms), text, static_cast<uint32_t>(count > 0 ? tokens.cache->positions() : 0));
  for (int64_t layer = 0; layer < shape_.layers && count > 0; ++layer) {
    put(host(places_.keys(layer)), text, tokens.cache->keys(layer).address());
    put(host(places_.values(layer)), text, tokens.cache->values(layer).address());
  }
  for (int64_t i = 0; i < tiles_of_text_; ++i) {
    const int64_t in_text = i * tile_rows_, of_tile = std::clamp<int64_t>(count - in_text, 0, tile_rows_);
    put(host(places_.tiles), text * tiles_of_text_ + i,
        gpu::AttentionTile{.q_row = static_cast<uint32_t>(first + in_text),
                           .rows = static_cast<uint32_t>(of_tile),
                           .position = static_cast<uint32_t>(tokens.position + in_text),
                           .key_row = 0,
                           .keys = static_cast<uint32_t>(tokens.position + count)});
  }
}

void DeviceTokens::set(std::span<const TextTokens> texts) {
  for (int64_t i = 0; i < shape_.texts; ++i)
    set_text(i, i < std::ssize(texts) ? texts[static_cast<size_t>(i)] : TextTokens{});
}

}  // namespace lathe::ops
