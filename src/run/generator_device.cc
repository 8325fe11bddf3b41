// The generator's part that a device computes: one session, whose tokens are chosen on the device where nobody wants to
// see logits.
#include <algorithm>
#include <array>

#include "run/generator.h"
#include "run/open_device.h"
#include "sample/device_draw.h"

namespace lathe::run {
namespace {

// The logits as they are decide, with a random number at most.
bool chooses_on_device(const Session& session) {
  if (!session.sampler || session.matcher || session.options.each_logits) return false;
  return sample::is_plain(session.sampler->options());
}

Result<std::span<const int32_t>> choose_on(models::DeviceDecoder& device, const Session& session, int64_t position,
                                           int64_t count) {
  const sample::Sampler& sampler = *session.sampler;
  if (sampler.options().temperature == 0) return device.likeliest(session.ids.back(), position, count);
  std::array<uint64_t, models::DeviceDecoder::kQueued> random{};
  for (int64_t i = 0; i < count; ++i) random[static_cast<size_t>(i)] = sampler.random_of(i);
  return device.drawn(session.ids.back(), position, sample::device_draw(sampler.options()),
                      std::span(random).first(static_cast<size_t>(count)));
}

}  // namespace

Status Generator::open_device(const GeneratorOptions& options) {
  if (options.cache_type != ops::KvType::f32)
    return unsupported("keys and values are to be kept as " +
                       std::string(paged_attention::type_name(options.cache_type)) +
                       ", needed on a device: f32, the only type that its attention reads");
  if (options.cache_bytes != 0)
    return unsupported("the cache of keys and values is limited to " + std::to_string(options.cache_bytes) +
                       " bytes, needed on a device: no limit but the context");
  // Pages that hold nothing: what is where is all that is asked of them.
  pool_ = std::make_unique<ops::KvPool>(ops::KvShape{});
  auto device = run::open_device(*options.device, options.pipelines, options.cache.warn);
  if (!device) return device.status();
  auto opened = models::DeviceDecoder::open(*decoder_, std::move(*device),
                                            {.context = context_,
                                             .prompt_tokens = prompt_tokens_,
                                             .dispatch = options.dispatch,
                                             .uploaded = options.uploaded,
                                             .measured = options.measured});
  if (!opened) return opened.status();
  device_ = std::move(*opened);
  return {};
}

void Generator::set_dispatch(ops::Dispatch dispatch) {
  device_ ? device_->set_dispatch(dispatch) : decoder_->set_dispatch(dispatch);
}

// Tokens of the prompt before its last, or before the first whose logits are wanted.
Status Generator::feed_device(Session& session, const Each& each) {
  const int64_t length = session.text.length(), last = std::ssize(session.ids) - 1;
  const int64_t wanted = session.options.each_logits ? std::min(session.options.logits_from, last) : last;
  const int64_t count = std::min(prompt_tokens_, wanted - length);
  if (count > 0) {
    const auto ids =
        std::span<const int32_t>(session.ids).subspan(static_cast<size_t>(length), static_cast<size_t>(count));
    const auto fed = device_->feed(ids, length, &interrupt_);
    if (!fed) return fed.status();
    if (*fed == models::PassOutcome::cancelled) return {};  // the next step says so
    if (Status status = session.text.reserve(length + count); !status.ok()) return status;
    session.text.advance(count);
    return {};
  }
  const auto logits = device_->logits(session.ids[static_cast<size_t>(length)], length);
  if (!logits) return logits.status();
  if (Status status = session.text.reserve(length + 1); !status.ok()) return status;
  session.text.advance(1);
  take_logits(session, length, *logits, each);
  return {};
}

// As many tokens as may be queued, of which those behind the end of the answer go.
Status Generator::answer_on_device(Session& session, const Each& each) {
  const int64_t length = session.text.length();
  int64_t room = std::max<int64_t>(1, context_ - std::ssize(session.ids));
  if (session.options.max_tokens >= 0) room = std::min(room, session.options.max_tokens - session.answered());
  const int64_t count = room < models::DeviceDecoder::kQueued ? 1 : models::DeviceDecoder::kQueued;
  const auto tokens = choose_on(*device_, session, length, count);
  if (!tokens) return tokens.status();
  if (Status status = session.text.reserve(length + count); !status.ok()) return status;
  session.text.advance(count);
  for (const int32_t token : *tokens) {
    if (session.ended) break;
    if (Status status = session.sampler->accept_drawn(token); !status.ok()) return status;
    take_token(session, token, each);
  }
  session.text.truncate(std::ssize(session.ids) - 1);
  return {};
}

Status Generator::step_on_device(Session& session, const Each& each) {
  if (session.pending() > 1) {
    if (Status status = feed_device(session, each); !status.ok()) return status;
    if (session.ended || session.pending() > 1 || interrupt_.load()) return {};
  }
  if (chooses_on_device(session) && session.options.max_tokens != 0) return answer_on_device(session, each);
  return feed_device(session, each);
}

}  // namespace lathe::run
