#include "grammar/matcher.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "base/shown.h"

namespace lathe::grammar {

Result<Matcher> Matcher::create(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie,
                                int64_t vocabulary, std::vector<int32_t> stops, const Limits& limits) {
  if (vocabulary < trie->size())
    return invalid_argument(
        fmt::format("the model has {} logits, the tokenizer {} tokens, needed: no less", vocabulary, trie->size()));
  for (const int32_t stop : stops)
    if (stop < 0 || stop >= vocabulary)
      return invalid_argument(fmt::format("the stop token {} is not of the vocabulary, 0 to {}", stop, vocabulary - 1));
  Matcher made(std::move(grammar), std::move(trie), vocabulary, std::move(stops), limits);
  const int32_t start = made.start();
  if (start == kDead)
    return invalid_argument(fmt::format("the grammar begins in more than {} ways, needed: fewer", limits.ways));
  made.now_ = static_cast<uint32_t>(start);
  return made;
}

Matcher::Matcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie, int64_t vocabulary,
                 std::vector<int32_t> stops, const Limits& limits)
    : grammar_(std::move(grammar)),
      trie_(std::move(trie)),
      vocabulary_(vocabulary),
      stops_(std::move(stops)),
      limits_(limits),
      frames_({{0, 0, 0}}),
      path_(trie_->deepest() + 1) {}

uint32_t Matcher::frame(uint32_t element, uint32_t parent) {
  const auto [found, is_new] =
      frame_ids_.emplace(uint64_t{element} << 32 | parent, static_cast<uint32_t>(frames_.size()));
  if (is_new) frames_.push_back({element, parent, frames_[parent].depth + 1});
  return found->second;
}

int32_t Matcher::start() {
  std::vector<uint32_t> open;
  for (const uint32_t alternative : grammar_->alternatives(grammar_->root())) open.push_back(frame(alternative, 0));
  return closed(std::move(open));
}

// Follows rules and ends from `open` until every stack stands before a byte: the state that has these.
int32_t Matcher::closed(std::vector<uint32_t> open) {
  State made;
  ++round_;
  while (!open.empty()) {
    const uint32_t id = open.back();
    open.pop_back();
    if (id == 0) {
      made.accepts = true;
      continue;
    }
    if (seen_.size() < frames_.size()) seen_.resize(frames_.size() * 2);
    if (std::exchange(seen_[id], round_) == round_) continue;
    const Frame at = frames_[id];
    const Element element = grammar_->elements()[at.element];
    if (at.depth > limits_.depth) continue;
    if (element.kind == Element::Kind::bytes) {
      made.tops.push_back(id);
      if (made.tops.size() > limits_.ways) return too_many_ways_ = true, kDead;
    } else if (element.kind == Element::Kind::end) {
      open.push_back(at.parent);
    } else {
      const bool is_last = grammar_->elements()[at.element + 1].kind == Element::Kind::end;
      const uint32_t parent = is_last ? at.parent : frame(at.element + 1, at.parent);
      for (const uint32_t alternative : grammar_->alternatives(element.index))
        open.push_back(frame(alternative, parent));
    }
  }
  if (made.tops.empty() && !made.accepts) return kDead;
  return static_cast<int32_t>(interned(std::move(made)));
}

uint32_t Matcher::interned(State state) {
  std::sort(state.tops.begin(), state.tops.end());
  std::vector<uint32_t> key = state.tops;
  if (state.accepts) key.push_back(0);  // the bottom is no top
  const auto [found, is_new] = state_ids_.emplace(std::move(key), static_cast<uint32_t>(states_.size()));
  if (is_new) states_.push_back(std::move(state));
  return found->second;
}

int32_t Matcher::make_next(uint32_t state, uint8_t byte) {
  std::vector<uint32_t> open;
  for (const uint32_t top : states_[state].tops) {
    const Frame& at = frames_[top];
    if (!grammar_->set(grammar_->elements()[at.element].index)[byte]) continue;
    const uint32_t element = at.element + 1, parent = at.parent;
    open.push_back(grammar_->elements()[element].kind == Element::Kind::end ? parent : frame(element, parent));
  }
  // A walk may come upon many states that are never seen again: it ends before they fill the memory.
  const bool is_full = states_.size() >= limits_.states * 8;
  if (is_full) too_many_ways_ = true;
  const int32_t made = open.empty() || is_full ? kDead : closed(std::move(open));
  auto& table = states_[state].next;
  if (!table) {
    table = std::make_unique<Table>();
    table->fill(kUnknown);
  }
  return (*table)[byte] = made;
}

void Matcher::fill_mask(std::vector<uint64_t>& mask) {
  const auto nodes = trie_->nodes();
  const auto tokens = trie_->tokens();
  const auto count = static_cast<uint32_t>(nodes.size());
  path_[0] = now_;
  for (uint32_t i = 0; i < count;) {
    const TokenTrie::Node& node = nodes[i];
    const int32_t reached = next(path_[node.depth - 1u], node.byte);
    if (reached < 0) {
      i = node.end;
      continue;
    }
    path_[node.depth] = static_cast<uint32_t>(reached);
    for (uint32_t t = node.tokens; t < node.tokens + node.count; ++t)
      mask[static_cast<size_t>(tokens[t]) / 64] |= uint64_t{1} << (tokens[t] % 64);
    ++i;
  }
  if (states_[now_].accepts)
    for (const int32_t stop : stops_) mask[static_cast<size_t>(stop) / 64] |= uint64_t{1} << (stop % 64);
}

Result<std::span<const uint64_t>> Matcher::allowed() {
  if (ended_) return failed("the text has ended, nothing follows");
  if (states_.size() > limits_.states) forget();
  if (states_[now_].mask.empty()) {
    if (masks_ >= limits_.masks) {
      for (State& state : states_) state.mask = {};
      masks_ = 0;
    }
    std::vector<uint64_t> mask(static_cast<size_t>(ceil_div(vocabulary_, 64)));
    fill_mask(mask);  // may move the states
    states_[now_].mask = std::move(mask);
    ++masks_;
  }
  const auto& mask = states_[now_].mask;
  if (std::any_of(mask.begin(), mask.end(), [](uint64_t word) { return word != 0; })) return std::span(mask);
  if (too_many_ways_)
    return failed(
        fmt::format("the grammar can go on in more than {} ways here, needed: fewer (is it ambiguous?)", limits_.ways));
  return failed(states_[now_].accepts ? "the text is complete, and no token is named that ends it"
                                      : "the grammar allows no token of this vocabulary here");
}

Status Matcher::accept(int32_t token) {
  if (states_.size() > limits_.states) forget();
  const bool is_stop = std::find(stops_.begin(), stops_.end(), token) != stops_.end();
  if (!ended_ && is_stop && may_end()) return ended_ = true, Status();
  const bool has_text = token >= 0 && token < trie_->size() && !trie_->text(token).empty();
  auto state = static_cast<int32_t>(now_);
  if (ended_ || !has_text) state = kDead;
  for (size_t i = 0; state >= 0 && i < trie_->text(token).size(); ++i)
    state = next(static_cast<uint32_t>(state), static_cast<uint8_t>(trie_->text(token)[i]));
  if (state < 0)
    return invalid_argument(fmt::format("token {} ({}) is not allowed by the grammar here", token,
                                        has_text ? shown(trie_->text(token)) : "no text"));
  now_ = static_cast<uint32_t>(state);
  return {};
}

void Matcher::restart() {
  ended_ = too_many_ways_ = false;
  now_ = static_cast<uint32_t>(start());
}

// Keeps the state at hand alone.
void Matcher::forget() {
  const auto old = std::exchange(frames_, {{0, 0, 0}});
  frame_ids_.clear();
  seen_.clear();
  round_ = 0;
  std::vector<uint32_t> moved(old.size(), 0);
  std::vector<bool> is_needed(old.size(), false);
  const std::vector<uint32_t> tops = states_[now_].tops;
  for (uint32_t id : tops)
    for (; id != 0 && !is_needed[id]; id = old[id].parent) is_needed[id] = true;
  for (uint32_t id = 1; id < old.size(); ++id)  // a parent is older than what stands on it
    if (is_needed[id]) moved[id] = frame(old[id].element, moved[old[id].parent]);
  State kept{.tops = {}, .accepts = states_[now_].accepts};
  for (const uint32_t id : tops) kept.tops.push_back(moved[id]);
  states_.clear();
  state_ids_.clear();
  masks_ = 0;
  now_ = interned(std::move(kept));
}

}  // namespace lathe::grammar
