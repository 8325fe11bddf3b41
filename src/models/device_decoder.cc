#include "models/device_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "gpu/step_ops.h"

namespace lathe::models {
namespace {

using gpu::MemoryUse;
using gpu::StepState;

constexpr int64_t kStateBytes = sizeof(StepState);

// Room for keys and values grows by doubling, and the steps are recorded anew, in about a millisecond: a context of
// 32,768 tokens would take gigabytes before the first word, and a step starts workgroups for every split of the keys
// that there is room for.
constexpr int64_t kFirstPositions = 256;

bool shares_words(const Decoder& decoder) {
  const DecoderWeights& weights = decoder.weights();
  return decoder.config().tied && ops::DeviceMemory::can_share(weights.words, weights.head.weights);
}

// Of the products and the words, as they lie on the CPU: about what is uploaded.
int64_t expected_bytes(const Decoder& decoder) {
  const DecoderWeights& weights = decoder.weights();
  return weights.product_bytes() + (shares_words(decoder) ? 0 : std::ssize(weights.words.bytes()));
}

}  // namespace

DeviceDecoder::DeviceDecoder(Decoder& decoder, std::shared_ptr<gpu::Device> device, const DeviceDecoderOptions& options)
    : decoder_(decoder),
      memory_(std::move(device),
              [uploaded = options.uploaded, total = expected_bytes(decoder)](int64_t bytes) {
                if (uploaded) uploaded(std::min(bytes, total), total);
              }),
      products_(memory_.device().info(), options.measured),
      context_(options.context),
      prompt_tokens_(options.prompt_tokens),
      dispatch_(options.dispatch) {
  if (shares_words(decoder)) memory_.share(decoder.weights().words, decoder.weights().head.weights);
}

Result<std::unique_ptr<DeviceDecoder>> DeviceDecoder::open(Decoder& decoder, std::shared_ptr<gpu::Device> device,
                                                           const DeviceDecoderOptions& options) {
  std::unique_ptr<DeviceDecoder> made(new DeviceDecoder(decoder, std::move(device), options));
  if (Status s = made->start(); !s.ok()) return s;
  return made;
}

// Widths of passes: the widest is the caller's, and between it and one token stands what products of few rows take.
Status DeviceDecoder::start_tokens() {
  constexpr int64_t kFew = 16;
  const int64_t many = std::clamp<int64_t>(prompt_tokens_, 1, context_);
  for (const int64_t rows : {int64_t{1}, std::min(kFew, many), many}) {
    auto made = ops::DeviceTokens::create(memory_.device(), rows, decoder_.config().head_dim);
    if (!made) return made.status();
    widths_.push_back(std::move(*made));
  }
  const auto pass = decoder_.pass_memory(many);
  if (!pass) return pass.status();
  for (const std::span<const std::byte> memory : *pass) memory_.mirror(memory);
  return {};
}

Status DeviceDecoder::start() {
  const int64_t logits_bytes = decoder_.config().vocabulary * int64_t{sizeof(float)};
  const struct {
    std::shared_ptr<gpu::Buffer>& buffer;
    int64_t bytes;
    MemoryUse use;
  } needs[] = {{logits_, logits_bytes, MemoryUse::readback},
               {chosen_, kQueued * kStateBytes, MemoryUse::readback},
               {history_, int64_t{sizeof(uint32_t)}, MemoryUse::device}};
  for (const auto& [buffer, bytes, use] : needs) {
    auto made = memory_.device().create_buffer(bytes, use);
    if (!made) return made.status();
    buffer = std::move(*made);
  }
  if (Status s = start_tokens(); !s.ok()) return s;
  auto draws = ops::DeviceDraws::create(memory_, kQueued, decoder_.config().vocabulary);
  if (!draws) return draws.status();
  draws_.emplace(std::move(*draws));
  // The logits' place on the host is where they arrive.
  memory_.mirror({logits_->mapped(), static_cast<size_t>(logits_bytes)});
  if (Status s = make_room(0, 1); !s.ok()) return s;
  auto all = record(Kind::logits);  // which needs every weight
  if (!all) return all.status();
  programs_[static_cast<size_t>(dispatch_)][static_cast<size_t>(Kind::logits)] = std::move(*all);
  decoder_.drop_products();
  return {};
}

// Positions up to position + count - 1; of those that are there, the ones before `position` are kept.
Status DeviceDecoder::make_room(int64_t position, int64_t count) {
  const int64_t wanted = position + count, have = cache_ ? cache_->positions() : 0;
  if (wanted <= have) return {};
  const int64_t positions = std::min(context_, std::max({wanted, 2 * have, kFirstPositions}));
  auto cache = cache_ ? cache_->grown(memory_, positions, position)
                      : ops::DeviceCache::create(memory_, decoder_.kv_shape(ops::KvType::f32), decoder_.config().heads,
                                                 positions);
  if (!cache) return cache.status();
  programs_ = {};
  cache_ = std::move(*cache);
  return {};
}

const ops::DeviceTokens& DeviceDecoder::tokens_of(Kind kind) const {
  const auto width = static_cast<size_t>(kind);
  return widths_[width < kWidths ? width : 0];
}

// The narrowest that takes them all, or the widest.
DeviceDecoder::Kind DeviceDecoder::width_for(int64_t tokens) const {
  if (tokens == 1) return Kind::one;
  return tokens <= tokens_of(Kind::few).rows() ? Kind::few : Kind::many;
}

// Without any that is chosen there is a pass all the same.
int64_t DeviceDecoder::tokens_chosen(Kind kind) {
  if (kind == Kind::likeliest_queue || kind == Kind::drawn_queue) return kQueued;
  return kind == Kind::likeliest || kind == Kind::drawn ? 1 : 0;
}

Result<ops::DeviceProgram> DeviceDecoder::record(Kind kind) {
  const ops::DeviceTokens& tokens = tokens_of(kind);
  ops::RecorderExecutor x(memory_, products_, tokens.places(), &*cache_, dispatch_);
  x.copy(tokens.from(), tokens.to(), tokens.bytes());
  const int64_t chosen = tokens_chosen(kind);
  const bool drawn = kind == Kind::drawn || kind == Kind::drawn_queue;
  if (drawn) x.copy(draws_->from(), draws_->to(), draws_->bytes());
  x.sync();
  auto* const logits = reinterpret_cast<float*>(logits_->mapped());
  const int64_t rows[] = {0}, vocabulary = decoder_.config().vocabulary;
  Decoder::Saying said = {.tokens = tokens.rows(), .positions = cache_->positions(), .rows = {}, .logits = logits};
  if (kind >= Kind::logits) said.rows = rows;
  for (int64_t i = 0; i < std::max<int64_t>(1, chosen); ++i) {
    if (Status s = decoder_.say(x, said, [&x] { x.end_step(); }); !s.ok()) return s;
    if (chosen == 0) break;
    if (drawn)
      x.draw(logits, vocabulary, draws_->args(i), {history_.get(), 0}, 1);
    else
      x.choose_largest(logits, vocabulary, {history_.get(), 0}, 1);
    x.sync();
    x.copy(tokens.to(), {chosen_.get(), i * kStateBytes}, kStateBytes);
  }
  if (kind == Kind::logits) {
    const auto from = memory_.place(logits, vocabulary * int64_t{sizeof(float)});
    if (!from) return from.status();
    x.copy(*from, {logits_.get(), 0}, vocabulary * int64_t{sizeof(float)});
  }
  return x.finish();
}

Status DeviceDecoder::run(Kind kind, std::span<const int32_t> ids, int64_t position) {
  auto& program = programs_[static_cast<size_t>(dispatch_)][static_cast<size_t>(kind)];
  if (!program) {
    auto made = record(kind);
    if (!made) return made.status();
    program = std::move(*made);
  }
  widths_[&tokens_of(kind) - widths_.data()].set(ids, position);
  submissions_ += program->submissions();
  length_ = std::min(length_, position);  // what a run that fails leaves behind is unknown
  if (Status s = program->run(memory_.device()); !s.ok()) return s;
  length_ = position + std::max(tokens_chosen(kind), std::ssize(ids));
  return {};
}

Status DeviceDecoder::check(std::span<const int32_t> ids, int64_t position) const {
  if (position < 0 || position > context_ - std::ssize(ids))
    return invalid_argument(
        fmt::format("{} tokens from position {} on, needed: at most the context's {}", ids.size(), position, context_));
  if (position > length_)
    return invalid_argument(
        fmt::format("tokens from position {} on, needed: at most the {} that are cached", position, length_));
  for (const int32_t id : ids)
    if (id < 0 || id >= decoder_.config().vocabulary)
      return invalid_argument(fmt::format("token {} is none of the model's {}", id, decoder_.config().vocabulary));
  return {};
}

Result<PassOutcome> DeviceDecoder::feed(std::span<const int32_t> ids, int64_t position,
                                        const std::atomic<bool>* cancel) {
  if (Status s = check(ids, position); !s.ok()) return s;
  if (Status s = make_room(position, std::ssize(ids)); !s.ok()) return s;
  while (!ids.empty()) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) return PassOutcome::cancelled;
    const Kind width = width_for(std::ssize(ids));
    const auto count = std::min(ids.size(), static_cast<size_t>(tokens_of(width).rows()));
    if (Status s = run(width, ids.first(count), position); !s.ok()) return s;
    position += static_cast<int64_t>(count);
    ids = ids.subspan(count);
  }
  return PassOutcome::done;
}

Result<std::span<const float>> DeviceDecoder::logits(int32_t id, int64_t position) {
  if (Status s = check({&id, 1}, position); !s.ok()) return s;
  if (Status s = make_room(position, 1); !s.ok()) return s;
  if (Status s = run(Kind::logits, {&id, 1}, position); !s.ok()) return s;
  return std::span(reinterpret_cast<const float*>(logits_->mapped()),
                   static_cast<size_t>(decoder_.config().vocabulary));
}

// As many as were queued, or one by one. `prepare` is told which of them the next run is of.
Result<std::span<const int32_t>> DeviceDecoder::choose(Choice choice, int32_t id, int64_t position, int64_t count,
                                                       const Prepare& prepare) {
  if (count < 1 || count > kQueued)
    return invalid_argument(fmt::format("{} tokens at once, needed: 1 to {}", count, kQueued));
  chosen_ids_.assign(static_cast<size_t>(count), id);
  if (Status s = check(chosen_ids_, position); !s.ok()) return s;
  if (Status s = make_room(position, count); !s.ok()) return s;
  const int64_t at_once = count == kQueued ? kQueued : 1;
  for (int64_t done = 0; done < count; done += at_once) {
    if (prepare) prepare(done, at_once);
    if (Status s = run(at_once == 1 ? choice.one : choice.queue, {&id, 1}, position + done); !s.ok()) return s;
    for (int64_t i = 0; i < at_once; ++i) {
      StepState state;
      std::memcpy(&state, chosen_->mapped() + i * kStateBytes, sizeof state);
      if (state.token >= static_cast<uint32_t>(decoder_.config().vocabulary))
        return failed(fmt::format("the logits behind token {} are not all finite numbers", position + done + i));
      id = chosen_ids_[static_cast<size_t>(done + i)] = static_cast<int32_t>(state.token);
    }
  }
  return std::span<const int32_t>(chosen_ids_);
}

Result<std::span<const int32_t>> DeviceDecoder::likeliest(int32_t id, int64_t position, int64_t count) {
  return choose({Kind::likeliest, Kind::likeliest_queue}, id, position, count, {});
}

Result<std::span<const int32_t>> DeviceDecoder::drawn(int32_t id, int64_t position, const gpu::DrawSettings& settings,
                                                      std::span<const uint64_t> random) {
  return choose({Kind::drawn, Kind::drawn_queue}, id, position, std::ssize(random), [&](int64_t first, int64_t count) {
    draws_->set(settings, random.subspan(static_cast<size_t>(first), static_cast<size_t>(count)));
  });
}

}  // namespace lathe::models
