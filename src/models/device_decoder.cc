#include "models/device_decoder.h"

#include <fmt/format.h>

#include <algorithm>

namespace lathe::models {
namespace {

// Room for keys and values grows by doubling: a context of 32,768 tokens would take gigabytes before the first word,
// and a pass starts workgroups for every split of the keys that there is room for. Each room is recorded for once, in
// about a millisecond.
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
      passes_(decoder, memory_, products_),
      context_(options.context),
      dispatch_(options.dispatch) {
  if (shares_words(decoder)) memory_.share(decoder.weights().words, decoder.weights().head.weights);
}

Result<std::unique_ptr<DeviceDecoder>> DeviceDecoder::open(Decoder& decoder, std::shared_ptr<gpu::Device> device,
                                                           const DeviceDecoderOptions& options) {
  std::unique_ptr<DeviceDecoder> made(new DeviceDecoder(decoder, std::move(device), options));
  if (Status s = made->start(std::clamp<int64_t>(options.prompt_tokens, 1, options.context)); !s.ok()) return s;
  return made;
}

// A token of no text: it needs every weight.
Status DeviceDecoder::start(int64_t prompt_tokens) {
  if (Status s = passes_.start(prompt_tokens); !s.ok()) return s;
  DeviceText text;
  const Next first = {&text, 0, 0};
  if (const auto all = logits({&first, 1}); !all) return all.status();
  decoder_.drop_products();
  return {};
}

Status DeviceDecoder::make_room(DeviceText& text, int64_t position, int64_t count) {
  const int64_t wanted = position + count;
  if (wanted <= text.positions()) return {};
  int64_t positions = std::max(text.positions(), kFirstPositions);
  while (positions < wanted) positions *= 2;
  positions = std::min(positions, context_);
  auto cache = text.cache_ ? text.cache_->grown(memory_, positions, position)
                           : ops::DeviceCache::create(memory_, decoder_.kv_shape(ops::KvType::f32), positions);
  if (!cache) return cache.status();
  text.cache_ = std::move(*cache);
  return {};
}

Status DeviceDecoder::check(const DeviceText& text, std::span<const int32_t> ids, int64_t position,
                            int64_t count) const {
  if (position < 0 || position > context_ - count)
    return invalid_argument(
        fmt::format("{} tokens from position {} on, needed: at most the context's {}", count, position, context_));
  if (position > text.length())
    return invalid_argument(
        fmt::format("tokens from position {} on, needed: at most the {} that are cached", position, text.length()));
  for (const int32_t id : ids)
    if (id < 0 || id >= decoder_.config().vocabulary)
      return invalid_argument(fmt::format("token {} is none of the model's {}", id, decoder_.config().vocabulary));
  return {};
}

Result<PassOutcome> DeviceDecoder::feed(DeviceText& text, std::span<const int32_t> ids, int64_t position,
                                        const std::atomic<bool>* cancel) {
  if (Status s = check(text, ids, position, std::ssize(ids)); !s.ok()) return s;
  if (Status s = make_room(text, position, std::ssize(ids)); !s.ok()) return s;
  while (!ids.empty()) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) return PassOutcome::cancelled;
    const auto count = std::min(ids.size(), static_cast<size_t>(passes_.most_tokens()));
    const ops::TextTokens tokens = {ids.first(count), position, &*text.cache_};
    text.length_ = position;  // what a run that fails leaves behind is unknown
    if (Status s = passes_.run(Wanted::nothing, dispatch_, {&tokens, 1}); !s.ok()) return s;
    position += static_cast<int64_t>(count);
    text.length_ = position;
    ids = ids.subspan(count);
  }
  return PassOutcome::done;
}

// Checks before anything changes; `count` positions of each.
Status DeviceDecoder::prepare(std::span<const Next> texts, int64_t count) {
  if (texts.empty() || std::ssize(texts) > kMostTexts)
    return invalid_argument(fmt::format("{} texts in a pass, needed: 1 to {}", texts.size(), kMostTexts));
  for (size_t i = 0; i < texts.size(); ++i) {
    const Next& next = texts[i];
    if (Status s = check(*next.text, {&next.id, 1}, next.position, count); !s.ok()) return s;
    if (std::ranges::find(texts.first(i), next.text, &Next::text) != texts.begin() + static_cast<std::ptrdiff_t>(i))
      return invalid_argument(fmt::format("text {} is in the pass before, needed: each once", i));
  }
  for (const Next& next : texts)
    if (Status s = make_room(*next.text, next.position, count); !s.ok()) return s;
  return {};
}

// `count` positions of each become cached.
Status DeviceDecoder::run(Wanted wanted, std::span<const Next> texts, int64_t count) {
  std::vector<ops::TextTokens> tokens;
  for (const Next& next : texts) {
    tokens.push_back({{&next.id, 1}, next.position, &*next.text->cache_});
    next.text->length_ = next.position;  // what a run that fails leaves behind is unknown
  }
  if (Status s = passes_.run(wanted, dispatch_, tokens); !s.ok()) return s;
  for (const Next& next : texts) next.text->length_ = next.position + count;
  return {};
}

Result<std::span<const float>> DeviceDecoder::logits(std::span<const Next> texts) {
  if (Status s = prepare(texts, 1); !s.ok()) return s;
  if (Status s = run(Wanted::logits, texts, 1); !s.ok()) return s;
  return std::span(passes_.logits(), texts.size() * static_cast<size_t>(decoder_.config().vocabulary));
}

// A text whose logits were no numbers goes on with token 0, since what comes of it is not looked at.
void DeviceDecoder::take_chosen(std::span<Next> texts, int64_t first, int64_t passes, int64_t count) {
  for (size_t text = 0; text < texts.size(); ++text)
    for (int64_t pass = 0; pass < passes; ++pass) {
      const uint32_t token = passes_.chosen(pass, static_cast<int64_t>(text));
      const bool none = token >= static_cast<uint32_t>(decoder_.config().vocabulary);
      chosen_ids_[text * static_cast<size_t>(count) + static_cast<size_t>(first + pass)] =
          none ? -1 : static_cast<int32_t>(token);
      texts[text].id = none ? 0 : static_cast<int32_t>(token);
      ++texts[text].position;
    }
}

// Drawn where there are draws, else the likeliest.
Result<std::span<const int32_t>> DeviceDecoder::choose(std::span<const Next> texts, std::span<const Draw> draws,
                                                       int64_t count) {
  if (count < 1 || count > kQueued)
    return invalid_argument(fmt::format("{} tokens at once, needed: 1 to {}", count, kQueued));
  if (Status s = prepare(texts, count); !s.ok()) return s;
  chosen_ids_.assign(texts.size() * static_cast<size_t>(count), 0);
  std::vector<Next> next(texts.begin(), texts.end());
  // As many as were queued, or one by one.
  const int64_t at_once = count == kQueued ? kQueued : 1;
  for (int64_t done = 0; done < count; done += at_once) {
    for (size_t i = 0; i < draws.size(); ++i)
      passes_.draws().set(static_cast<int64_t>(i), draws[i].settings,
                          std::span(draws[i].random).subspan(static_cast<size_t>(done), static_cast<size_t>(at_once)));
    const Wanted one = draws.empty() ? Wanted::likeliest : Wanted::drawn;
    const Wanted queue = draws.empty() ? Wanted::likeliest_queue : Wanted::drawn_queue;
    if (Status s = run(at_once == 1 ? one : queue, next, at_once); !s.ok()) return s;
    take_chosen(next, done, at_once, count);
  }
  return std::span<const int32_t>(chosen_ids_);
}

Result<std::span<const int32_t>> DeviceDecoder::likeliest(std::span<const Next> texts, int64_t count) {
  return choose(texts, {}, count);
}

Result<std::span<const int32_t>> DeviceDecoder::drawn(std::span<const Next> texts, std::span<const Draw> draws,
                                                      int64_t count) {
  if (draws.empty() || draws.size() != texts.size())
    return invalid_argument(fmt::format("draws of {} texts for {}, needed: as many", draws.size(), texts.size()));
  return choose(texts, draws, count);
}

}  // namespace lathe::models
