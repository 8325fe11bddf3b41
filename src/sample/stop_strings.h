// Strings that end an answer, found in a text that comes in pieces: Aho and Corasick's automaton, one step a byte.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"

namespace lathe::sample {

class StopStrings {
 public:
  static constexpr size_t kMost = 64;         // strings
  static constexpr size_t kLongest = 4096;    // bytes of one
  static constexpr size_t kAllBytes = 16384;  // a byte may need a state of 1 KiB

  StopStrings() = default;  // none
  // Fails for an empty string, one that is not UTF-8, and too many or too long ones.
  static Result<StopStrings> create(std::span<const std::string> strings);

  struct State {
    int32_t node = 0;
  };
  // The state behind `byte`.
  State next(State state, char byte) const {
    if (nodes_.empty()) return state;
    return {nodes_[static_cast<size_t>(state.node)].next[static_cast<unsigned char>(byte)]};
  }
  // Bytes of the longest stop string that ends here; 0: none does.
  size_t found(State state) const { return nodes_.empty() ? 0 : nodes_[static_cast<size_t>(state.node)].found; }
  // Bytes at the end of the text that a stop string may begin with.
  size_t open(State state) const { return nodes_.empty() ? 0 : nodes_[static_cast<size_t>(state.node)].depth; }

 private:
  struct Node {
    std::array<int32_t, 256> next{};
    uint32_t depth = 0, found = 0;
  };
  void add(std::string_view string);
  void link();

  std::vector<Node> nodes_;  // the first is the root; -1: not yet there
};

}  // namespace lathe::sample
