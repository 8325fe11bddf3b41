// Which tokens may come next, so that a text stays a beginning of what a grammar allows.
//
// A state is the set of all stacks of rules that the text so far can have led to. States are interned and their
// transitions kept: the grammar becomes a deterministic automaton, made as far as it is visited. The tokens that a
// state allows are found by one walk over the vocabulary's tree, and kept too, since most states come again.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "grammar/grammar.h"
#include "grammar/token_trie.h"
#include "lathe/status.h"

namespace lathe::grammar {

// The state of one answer. Grammar and tree may be shared by any number of them.
class Matcher {
 public:
  struct Limits {
    size_t ways = 4096;     // stacks of one state
    uint32_t depth = 1000;  // of a stack: deeper nesting is not allowed to the text
    size_t states = 8192;   // more are forgotten and made again; each takes 1 KiB, and what a walk adds
    size_t masks = 256;     // of vocabulary / 8 bytes each
  };

  // `vocabulary` is what the model has logits for; tokens beyond the tree's are never allowed. `stops` end the text,
  // and are allowed where it is complete. Fails for a stop that is none of the vocabulary.
  static Result<Matcher> create(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie,
                                int64_t vocabulary, std::vector<int32_t> stops, const Limits& limits);
  static Result<Matcher> create(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie,
                                int64_t vocabulary, std::vector<int32_t> stops) {
    return create(std::move(grammar), std::move(trie), vocabulary, std::move(stops), Limits());
  }

  // Bit i % 64 of word i / 64 for each token, as Sampler::sample() takes it; valid until the next call of anything.
  // Fails where nothing at all may follow.
  Result<std::span<const uint64_t>> allowed();
  // Fails for a token that is not allowed, and leaves the state as it was.
  Status accept(int32_t token);
  // The text is complete; it may go on, though, unless allowed() holds nothing but stops.
  bool may_end() const { return states_[now_].accepts; }
  // The text is complete and nothing but a stop may follow.
  bool complete() const { return states_[now_].accepts && states_[now_].tops.empty(); }
  bool ended() const { return ended_; }  // by a stop
  void restart();

 private:
  static constexpr int32_t kDead = -1, kUnknown = -2;
  using Table = std::array<int32_t, 256>;

  // A place in the grammar and where to go on behind its rule; 0 is the bottom.
  struct Frame {
    uint32_t element, parent, depth;
  };
  struct State {
    std::vector<uint32_t> tops;  // frames at a byte, ascending
    bool accepts = false;
    std::unique_ptr<Table> next = {};
    std::vector<uint64_t> mask = {};
  };

  Matcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie, int64_t vocabulary,
          std::vector<int32_t> stops, const Limits& limits);

  uint32_t frame(uint32_t element, uint32_t parent);
  int32_t closed(std::vector<uint32_t> open);
  uint32_t interned(State state);
  int32_t next(uint32_t state, uint8_t byte) {
    const auto& table = states_[state].next;
    const int32_t known = table ? (*table)[byte] : kUnknown;
    return known == kUnknown ? make_next(state, byte) : known;
  }
  int32_t make_next(uint32_t state, uint8_t byte);
  int32_t start();
  void fill_mask(std::vector<uint64_t>& mask);
  void forget();

  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const TokenTrie> trie_;
  int64_t vocabulary_;
  std::vector<int32_t> stops_;
  Limits limits_;
  uint32_t now_ = 0;
  bool ended_ = false, too_many_ways_ = false;

  std::vector<Frame> frames_;
  std::unordered_map<uint64_t, uint32_t> frame_ids_;
  std::vector<State> states_;
  std::map<std::vector<uint32_t>, uint32_t> state_ids_;
  size_t masks_ = 0;
  std::vector<uint32_t> seen_, path_;  // marks of closed(), states of the walk by depth
  uint32_t round_ = 0;
};

}  // namespace lathe::grammar
