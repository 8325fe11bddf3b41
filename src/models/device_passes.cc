#include "models/device_passes.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "gpu/step_ops.h"

namespace lathe::models {
namespace {

using gpu::MemoryUse;

constexpr int64_t kWord = sizeof(uint32_t);
constexpr int64_t kFew = 16;  // tokens of a prompt's end: between one and all that share a pass

using Wanted = DevicePasses::Wanted;

bool is_drawn(Wanted wanted) { return wanted == Wanted::drawn || wanted == Wanted::drawn_queue; }

// Without any that is chosen there is a pass all the same.
int64_t tokens_chosen(Wanted wanted) {
  if (wanted == Wanted::likeliest_queue || wanted == Wanted::drawn_queue) return DevicePasses::kQueued;
  return wanted == Wanted::likeliest || wanted == Wanted::drawn ? 1 : 0;
}

}  // namespace

Status DevicePasses::start(int64_t prompt_tokens) {
  const auto attention = ops::choose_step(gpu::StepOp::attention, {}, memory_.device().info());
  if (!attention) return attention.status();
  keys_of_split_ = (*attention)->threads;
  if (Status s = start_tokens(prompt_tokens); !s.ok()) return s;
  if (Status s = start_buffers(); !s.ok()) return s;
  const auto pass = decoder_.pass_memory(std::max(prompt_tokens, kMostTexts));
  if (!pass) return pass.status();
  for (const std::span<const std::byte> memory : *pass) memory_.mirror(memory);
  // The logits' place on the host is where they arrive.
  memory_.mirror({logits_->mapped(), static_cast<size_t>(logits_->size())});
  return {};
}

Status DevicePasses::start_buffers() {
  const struct {
    std::shared_ptr<gpu::Buffer>& buffer;
    int64_t bytes;
    MemoryUse use;
  } needs[] = {{logits_, logits_bytes(kMostTexts), MemoryUse::readback},
               {chosen_, kQueued * kMostTexts * kWord, MemoryUse::readback}};
  for (const auto& [buffer, bytes, use] : needs) {
    auto made = memory_.device().create_buffer(bytes, use);
    if (!made) return made.status();
    buffer = std::move(*made);
  }
  auto draws = ops::DeviceDraws::create(memory_, kQueued, kMostTexts, decoder_.config().vocabulary);
  if (draws) draws_.emplace(std::move(*draws));
  return draws.status();
}

Status DevicePasses::start_tokens(int64_t most) {
  const auto layers = std::ssize(decoder_.config().layers);
  const auto add = [&](int64_t texts, int64_t rows) {
    auto made = ops::DeviceTokens::create(
        memory_.device(),
        {.texts = texts, .rows_of_text = rows, .layers = layers, .head_dim = decoder_.config().head_dim});
    if (made) tokens_.push_back(std::move(*made));
    return made.status();
  };
  for (int64_t texts = 1; texts <= kMostTexts; texts *= 2)
    if (Status s = add(texts, 1); !s.ok()) return s;
  for (const int64_t rows : {std::min(kFew, most), most})
    if (Status s = add(1, rows); !s.ok()) return s;
  return {};
}

// The narrowest that takes them all.
size_t DevicePasses::width_for(std::span<const ops::TextTokens> texts) const {
  const auto found = std::ranges::find_if(tokens_, [&](const ops::DeviceTokens& width) {
    return width.texts() >= std::ssize(texts) && width.rows() / width.texts() >= std::ssize(texts.front().ids);
  });
  return static_cast<size_t>(found - tokens_.begin());
}

// What was recorded for smaller buffers goes.
Status DevicePasses::reserve(int64_t texts, int64_t positions) {
  if (texts <= parts_texts_ && positions <= positions_) return {};
  texts = std::max(texts, parts_texts_), positions = std::max(positions, positions_);
  const DecoderConfig& config = decoder_.config();
  auto made =
      memory_.create(gpu::attention_parts_bytes(texts, config.heads, config.head_dim, positions, keys_of_split_));
  if (!made) return made.status();
  programs_.clear();
  parts_ = std::move(*made);
  parts_texts_ = texts, positions_ = positions;
  return {};
}

void DevicePasses::record_choice(ops::RecorderExecutor& x, const Key& key, int64_t pass) {
  const ops::DeviceTokens& tokens = tokens_[key.width];
  const int64_t vocabulary = decoder_.config().vocabulary;
  if (is_drawn(key.wanted))
    x.draw(logits(), vocabulary, draws_->args(pass));
  else
    x.choose_largest(logits(), vocabulary);
  x.sync();
  x.copy(tokens.to(), {chosen_.get(), pass * kMostTexts * kWord}, tokens.texts() * kWord);  // of ids, which come first
}

Result<ops::DeviceProgram> DevicePasses::record(const Key& key) {
  const ops::DeviceTokens& tokens = tokens_[key.width];
  const ops::PassCaches caches = {
      decoder_.kv_shape(ops::KvType::f32), key.positions, {parts_.get(), 0}, keys_of_split_};
  ops::RecorderExecutor x(memory_, products_, tokens.places(), &caches, key.dispatch);
  x.copy(tokens.from(), tokens.to(), tokens.bytes());
  if (is_drawn(key.wanted)) x.copy(draws_->from(), draws_->to(), draws_->bytes());
  x.sync();
  std::array<int64_t, kMostTexts> rows;
  std::iota(rows.begin(), rows.end(), 0);
  auto* const logits = reinterpret_cast<float*>(logits_->mapped());
  Decoder::Saying said = {.tokens = tokens.rows(), .positions = positions_, .rows = {}, .logits = logits};
  if (key.wanted != Wanted::nothing) said.rows = std::span(rows).first(static_cast<size_t>(tokens.texts()));
  const int64_t chosen = tokens_chosen(key.wanted);
  for (int64_t pass = 0; pass < std::max<int64_t>(1, chosen); ++pass) {
    if (Status s = decoder_.say(x, said, [&x] { x.end_step(); }); !s.ok()) return s;
    if (chosen > 0) record_choice(x, key, pass);
  }
  if (key.wanted == Wanted::logits) {
    const int64_t bytes = logits_bytes(tokens.texts());
    const auto from = memory_.place(logits, bytes);
    if (!from) return from.status();
    x.copy(*from, {logits_.get(), 0}, bytes);
  }
  return x.finish();
}

Status DevicePasses::run(Wanted wanted, ops::Dispatch dispatch, std::span<const ops::TextTokens> texts) {
  const size_t width = width_for(texts);
  ops::DeviceTokens& tokens = tokens_[width];
  int64_t positions = 1;
  for (const ops::TextTokens& text : texts) positions = std::max(positions, text.cache->positions());
  if (Status s = reserve(tokens.texts(), positions); !s.ok()) return s;
  const Key key = {wanted, dispatch, width, positions};
  auto program = programs_.find(key);
  if (program == programs_.end()) {
    auto made = record(key);
    if (!made) return made.status();
    program = programs_.emplace(key, std::move(*made)).first;
  }
  tokens.set(texts);
  submissions_ += program->second.submissions();
  return program->second.run(memory_.device());
}

uint32_t DevicePasses::chosen(int64_t pass, int64_t text) const {
  uint32_t token;
  std::memcpy(&token, chosen_->mapped() + (pass * kMostTexts + text) * kWord, sizeof token);
  return token;
}

}  // namespace lathe::models
