// Which pieces does a text begin with? A double array: a node's child for a byte lies at base + byte, and `parent`
// there says whose it is. One look-up a byte, whatever the number of pieces.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace lathe::tokenize {

class Trie {
 public:
  struct Key {
    std::string_view text;
    int32_t value;
  };

  Trie() = default;
  // Of equal texts the last one counts; an empty one is left out.
  explicit Trie(std::vector<Key> keys);

  // Calls found(bytes, value) for every key that `text` begins with, shortest first.
  template <class Found>
  void prefixes(std::string_view text, Found&& found) const {
    uint32_t node = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      if (!step(node, text[i])) return;
      if (nodes_[node].value >= 0) found(i + 1, nodes_[node].value);
    }
  }
  // The longest of them: bytes (0: none) and value.
  std::pair<size_t, int32_t> longest(std::string_view text) const {
    std::pair<size_t, int32_t> best{0, -1};
    prefixes(text, [&best](size_t bytes, int32_t value) { best = {bytes, value}; });
    return best;
  }

 private:
  struct Node {
    uint32_t base = 0;
    uint32_t parent = kFree;
    int32_t value = -1;
  };
  static constexpr uint32_t kFree = UINT32_MAX;

  bool step(uint32_t& node, char byte) const {
    const size_t child = size_t{nodes_[node].base} + static_cast<unsigned char>(byte);
    if (child >= nodes_.size() || nodes_[child].parent != node) return false;
    node = static_cast<uint32_t>(child);
    return true;
  }
  uint32_t place(std::span<const unsigned char> labels);

  std::vector<Node> nodes_ = std::vector<Node>(1);
  size_t search_from_ = 1;
};

}  // namespace lathe::tokenize
