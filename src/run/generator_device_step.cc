// A generator's step on a device: prompts text by text, then the next tokens of all texts that answer, in passes of up
// to models::DeviceDecoder::kMostTexts. They are chosen on the device where nobody wants to see logits.
#include <algorithm>

#include "run/generator.h"
#include "sample/device_draw.h"

namespace lathe::run {
namespace {

using models::DeviceDecoder;

// The logits as they are decide, with a random number at most.
bool chooses_on_device(const Session* session) {
  if (!session->sampler || session->matcher || session->options.each_logits || session->options.max_tokens == 0)
    return false;
  return sample::is_plain(session->sampler->options());
}

bool is_greedy(const Session* session) { return session->sampler->options().temperature == 0; }

// Among others that are drawn the likeliest is drawn too: from itself.
DeviceDecoder::Draw draw_of(const Session& session) {
  const sample::Sampler& sampler = *session.sampler;
  if (is_greedy(&session)) return {sample::device_draw({.temperature = 1, .top_k = 1}), {}};
  DeviceDecoder::Draw draw = {sample::device_draw(sampler.options()), {}};
  for (size_t i = 0; i < draw.random.size(); ++i) draw.random[i] = sampler.random_of(static_cast<int64_t>(i));
  return draw;
}

// Tokens without a pass that stand before the last, or before the first whose logits are wanted.
int64_t unseen(const Session& session) {
  const int64_t last = std::ssize(session.ids) - 1;
  const int64_t wanted = session.options.each_logits ? std::min(session.options.logits_from, last) : last;
  return std::max<int64_t>(0, wanted - session.text.length());
}

Status has_passed(Session& session, int64_t tokens) {
  Status status = session.text.reserve(session.text.length() + tokens);
  if (status.ok()) session.text.advance(tokens);
  return status;
}

std::vector<DeviceDecoder::Next> next_of(std::span<Session* const> sessions) {
  std::vector<DeviceDecoder::Next> next;
  for (Session* session : sessions) {
    const int64_t length = session->text.length();
    next.push_back({&session->on_device, session->ids[static_cast<size_t>(length)], length});
  }
  return next;
}

}  // namespace

Status Generator::feed_device(Session& session, int64_t count, const Each& each) {
  if (!make_device_room(session, count, each)) return {};
  const int64_t length = session.text.length();
  const auto ids =
      std::span<const int32_t>(session.ids).subspan(static_cast<size_t>(length), static_cast<size_t>(count));
  const auto fed = device_->feed(session.on_device, ids, length, leave_);
  if (!fed) return fed.status();
  left_ = *fed == models::PassOutcome::cancelled;
  return left_ ? Status() : has_passed(session, count);  // the next step says so
}

Status Generator::take_chosen(Session& session, std::span<const int32_t> tokens, const Each& each) {
  const int64_t length = session.text.length();
  if (Status status = has_passed(session, std::ssize(tokens)); !status.ok()) return status;
  for (size_t i = 0; i < tokens.size() && !session.ended; ++i) {
    if (tokens[i] < 0) {
      end(session, Finish::failed,
          failed("the logits behind token " + std::to_string(length + static_cast<int64_t>(i)) +
                 " are not all finite numbers"),
          each);
    } else {
      if (Status status = session.sampler->accept_drawn(tokens[i]); !status.ok()) return status;
      take_token(session, tokens[i], each);
    }
  }
  session.text.truncate(std::ssize(session.ids) - 1);
  return {};
}

// As many tokens as may be queued where one of the texts has a use for them; what is behind the end of an answer goes.
Status Generator::choose_on_device(std::span<Session* const> sessions, const Each& each) {
  int64_t room = DeviceDecoder::kQueued, wanted = 1;
  for (const Session* session : sessions) {
    const int64_t of_context = std::max<int64_t>(1, context_ - std::ssize(session->ids));
    const int64_t left = session->options.max_tokens - session->answered();
    room = std::min(room, of_context);
    wanted = std::max(wanted, session->options.max_tokens < 0 ? of_context : left);
  }
  const int64_t count = std::min(room, wanted) < DeviceDecoder::kQueued ? 1 : DeviceDecoder::kQueued;
  const auto going = with_device_room(sessions, count, each);
  if (going.empty()) return {};
  const auto next = next_of(going);
  std::vector<DeviceDecoder::Draw> draws;
  if (!std::ranges::all_of(going, is_greedy))
    for (const Session* session : going) draws.push_back(draw_of(*session));
  const auto tokens = draws.empty() ? device_->likeliest(next, count) : device_->drawn(next, draws, count);
  if (!tokens) return tokens.status();
  const auto each_has = static_cast<size_t>(count);
  for (size_t i = 0; i < going.size(); ++i)
    if (Status status = take_chosen(*going[i], tokens->subspan(i * each_has, each_has), each); !status.ok())
      return status;
  return {};
}

Status Generator::give_device_logits(std::span<Session* const> sessions, const Each& each) {
  const auto going = with_device_room(sessions, 1, each);
  if (going.empty()) return {};
  const auto logits = device_->logits(next_of(going));
  if (!logits) return logits.status();
  const auto vocabulary = static_cast<size_t>(config().vocabulary);
  for (size_t i = 0; i < going.size(); ++i) {
    const int64_t position = going[i]->text.length();
    if (Status status = has_passed(*going[i], 1); !status.ok()) return status;
    take_logits(*going[i], position, logits->subspan(i * vocabulary, vocabulary), each);
  }
  return {};
}

// Where one of them wants logits, all are given theirs: the weights are read once for all.
Status Generator::answer_on_device(std::span<Session* const> sessions, const Each& each) {
  return std::ranges::all_of(sessions, chooses_on_device) ? choose_on_device(sessions, each)
                                                          : give_device_logits(sessions, each);
}

// Prompts in the order in which they came, until they had prompt_tokens_ together. What a prompt is divided into
// depends on it alone, and so do its keys and values to the last bit.
Status Generator::step_on_device(const Each& each) {
  int64_t budget = prompt_tokens_;
  for (const auto& session : sessions_) {
    const int64_t count = session->ended ? 0 : std::min(prompt_tokens_, unseen(*session));
    if (count == 0 || budget <= 0) continue;
    if (Status status = feed_device(*session, count, each); !status.ok()) return status;
    budget -= count;
    if (left_) return {};
  }
  std::vector<Session*> answering;
  for (const auto& session : sessions_)
    if (!session->ended && unseen(*session) == 0) answering.push_back(session.get());
  constexpr auto kMost = static_cast<size_t>(DeviceDecoder::kMostTexts);
  for (size_t first = 0; first < answering.size(); first += kMost) {
    const auto group = std::span(answering).subspan(first, std::min(kMost, answering.size() - first));
    if (Status status = answer_on_device(group, each); !status.ok()) return status;
  }
  return {};
}

}  // namespace lathe::run
