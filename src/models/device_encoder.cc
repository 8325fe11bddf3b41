#include "models/device_encoder.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "ops/device_choice.h"

namespace lathe::models {
namespace {

using gpu::MemoryUse;

constexpr int64_t kWord = sizeof(uint32_t);
constexpr int64_t kTileWords = sizeof(gpu::AttentionTile) / sizeof(uint32_t);

// As many tokens as a batch of short texts has. Room grows by doubling, and all is recorded anew.
constexpr int64_t kFirstTokens = 256;

}  // namespace

DeviceEncoder::DeviceEncoder(Encoder& encoder, std::shared_ptr<gpu::Device> device, const DeviceEncoderOptions& options)
    : encoder_(encoder),
      memory_(std::move(device),
              [uploaded = options.uploaded, total = encoder.weight_bytes()](int64_t bytes) {
                if (uploaded) uploaded(std::min(bytes, total), total);
              }),
      products_(memory_.device().info(), options.measured),
      dispatch_(options.dispatch) {}

Result<std::unique_ptr<DeviceEncoder>> DeviceEncoder::open(Encoder& encoder, std::shared_ptr<gpu::Device> device,
                                                           const DeviceEncoderOptions& options) {
  std::unique_ptr<DeviceEncoder> made(new DeviceEncoder(encoder, std::move(device), options));
  if (Status s = made->start(); !s.ok()) return s;
  return made;
}

Status DeviceEncoder::start() {
  const auto attention =
      ops::choose_step(gpu::StepOp::attention_tiles, {.dim = encoder_.sizes().head_dim}, memory_.device().info());
  if (!attention) return attention.status();
  tile_rows_ = (*attention)->tile_rows;
  Shape shape;
  shape.tokens = shape.texts = kRound;
  shape.modes.assign(static_cast<size_t>(encoder_.pooled_kinds()), Pooling::mean);
  shape.keep = encoder_.vector_size(shape.modes.size());
  if (Status s = make_room(kRound, kRound, shape.keep); !s.ok()) return s;
  const auto all = record(shape);  // which needs every weight
  if (!all) return all.status();
  encoder_.drop_products();
  return {};
}

DeviceEncoder::Layout DeviceEncoder::layout(int64_t tokens, int64_t texts) const {
  Layout at{};
  at.positions = tokens;
  at.offsets = at.positions + tokens;
  at.skip = at.offsets + texts + 1;
  at.tiles = at.skip + texts;
  at.tile_count = gpu::most_ragged_tiles(tokens, texts, tile_rows_);
  at.end = at.tiles + at.tile_count * kTileWords;
  return at;
}

// The memory of passes moves where it grows, and what was recorded for it goes.
Status DeviceEncoder::make_room(int64_t tokens, int64_t texts, int64_t vector) {
  if (tokens <= tokens_ && texts <= texts_ && vector <= vector_) return {};
  const auto grown = [](int64_t wanted, int64_t have) { return wanted <= have ? have : std::max(wanted, 2 * have); };
  const int64_t new_tokens = grown(std::max(tokens, kFirstTokens), tokens_), new_texts = grown(texts, texts_);
  const int64_t new_vector = std::max(vector, vector_), words = layout(new_tokens, new_texts).end;
  programs_.clear();
  memory_.forget_mirrors();
  tokens_ = texts_ = vector_ = 0;
  const struct {
    std::shared_ptr<gpu::Buffer>& buffer;
    int64_t bytes;
    MemoryUse use;
  } needs[] = {{upload_, words * kWord, MemoryUse::upload},
               {inputs_, words * kWord, MemoryUse::device},
               {vectors_, new_texts * new_vector * int64_t{sizeof(float)}, MemoryUse::readback}};
  for (const auto& [buffer, bytes, use] : needs) {
    buffer.reset();  // first, so that the two never stand side by side
    auto made = memory_.device().create_buffer(bytes, use);
    if (!made) return made.status();
    buffer = std::move(*made);
  }
  const auto memory = encoder_.named_memory(new_tokens, new_texts);
  if (!memory) return memory.status();
  for (const std::span<const std::byte> part : *memory) memory_.mirror(part);
  // The vectors' place on the host is where they arrive.
  memory_.mirror({vectors_->mapped(), static_cast<size_t>(vectors_->size())});
  tokens_ = new_tokens, texts_ = new_texts, vector_ = new_vector;
  return {};
}

Result<DeviceEncoder::Recorded> DeviceEncoder::record(const Shape& shape) {
  const Layout at = layout(shape.tokens, shape.texts);
  const auto input = [this](int64_t word) { return gpu::Place{inputs_.get(), word * kWord}; };
  const ops::PassTokens tokens = {.ids = input(at.ids),
                                  .positions = input(at.positions),
                                  .slots = {},
                                  .tiles = input(at.tiles),
                                  .rows = shape.tokens,
                                  .tile_count = at.tile_count,
                                  .offsets = input(at.offsets),
                                  .skip = input(at.skip),
                                  .texts = shape.texts};
  ops::RecorderExecutor x(memory_, products_, tokens, nullptr, shape.dispatch);
  x.copy({upload_.get(), 0}, input(0), at.end * kWord);
  x.sync();
  // Any tokens: what a pass says depends on how many there are.
  const std::vector<int32_t> ids(static_cast<size_t>(shape.tokens));
  std::vector<int64_t> offsets(static_cast<size_t>(shape.texts + 1), shape.tokens);
  offsets.front() = 0;
  const std::vector<int64_t> skip(shape.skips ? static_cast<size_t>(shape.texts) : 0);
  const PoolOptions pooling = {.modes = shape.modes, .skip = skip, .normalize = shape.normalize, .keep = shape.keep};
  auto* const out = reinterpret_cast<float*>(vectors_->mapped());
  if (Status s = encoder_.say(x, {.ids = ids, .offsets = offsets}, pooling, out, [&x] { x.end_step(); }); !s.ok())
    return s;
  const int64_t bytes = shape.texts * encoder_.vector_size(shape.modes.size()) * int64_t{sizeof(float)};
  const auto from = memory_.place(out, bytes);
  if (!from) return from.status();
  x.copy(*from, {vectors_.get(), 0}, bytes);
  auto program = x.finish();
  if (!program) return program.status();
  ++recordings_;
  return Recorded{.shape = shape, .program = std::move(*program)};
}

Result<const DeviceEncoder::Recorded*> DeviceEncoder::recorded(const Shape& shape) {
  auto found = std::ranges::find(programs_, shape, &Recorded::shape);
  if (found == programs_.end()) {
    if (programs_.size() >= kShapes) programs_.erase(std::ranges::min_element(programs_, {}, &Recorded::used));
    auto made = record(shape);
    if (!made) return made.status();
    programs_.push_back(std::move(*made));
    found = programs_.end() - 1;
  }
  found->used = ++runs_;
  return &*found;
}

void DeviceEncoder::fill(const Layout& at, const Shape& shape, const ops::TextBatch& batch,
                         const PoolOptions& pooling) {
  auto* const words = reinterpret_cast<uint32_t*>(upload_->mapped());
  std::fill_n(words, at.end, 0u);
  for (int64_t t = 0; t < batch.tokens(); ++t)
    words[at.ids + t] = static_cast<uint32_t>(batch.ids[static_cast<size_t>(t)]);
  for (int64_t text = 0; text < shape.texts; ++text) {
    const auto i = static_cast<size_t>(text);
    const int64_t begin = text < batch.texts() ? batch.offsets[i] : batch.tokens();
    const int64_t end = text < batch.texts() ? batch.offsets[i + 1] : begin;
    for (int64_t t = begin; t < end; ++t) words[at.positions + t] = static_cast<uint32_t>(t - begin);
    words[at.offsets + text] = static_cast<uint32_t>(begin);
    if (text < std::ssize(pooling.skip)) words[at.skip + text] = static_cast<uint32_t>(pooling.skip[i]);
  }
  words[at.offsets + shape.texts] = static_cast<uint32_t>(batch.tokens());
  tiles_.clear();
  gpu::ragged_tiles(batch.offsets, tile_rows_, &tiles_);
  std::memcpy(words + at.tiles, tiles_.data(), tiles_.size() * sizeof(gpu::AttentionTile));
}

Status DeviceEncoder::run(const ops::TextBatch& batch, const PoolOptions& pooling, float* out) {
  if (Status s = encoder_.check(batch, pooling); !s.ok()) return s;
  Shape shape;
  shape.tokens = round_up(batch.tokens(), kRound), shape.texts = round_up(batch.texts(), kRound);
  shape.modes.assign(pooling.modes.begin(), pooling.modes.end());
  shape.keep = pooling.keep, shape.skips = !pooling.skip.empty(), shape.normalize = pooling.normalize;
  shape.dispatch = dispatch_;
  const int64_t row = encoder_.vector_size(pooling.modes.size());
  if (Status s = make_room(shape.tokens, shape.texts, row); !s.ok()) return s;
  const auto program = recorded(shape);
  if (!program) return program.status();
  fill(layout(shape.tokens, shape.texts), shape, batch, pooling);
  submissions_ += (*program)->program.submissions();
  if (Status s = (*program)->program.run(memory_.device()); !s.ok()) return s;
  std::memcpy(out, vectors_->mapped(), static_cast<size_t>(batch.texts() * row) * sizeof(float));
  return {};
}

}  // namespace lathe::models
