#include "tokenize/trie.h"

#include <algorithm>

namespace lathe::tokenize {
namespace {

struct Range {  // keys that share their first `depth` bytes, which lead to `node`
  uint32_t node;
  size_t begin, end, depth;
};

}  // namespace

// A base at which all children are free, looked for in a short window; a node that finds none goes to the end. The
// window moves on once it is nearly full, so the time is linear in the nodes, and the gaps are filled by nodes with one
// child, the most by far.
uint32_t Trie::place(std::span<const unsigned char> labels) {
  constexpr size_t kWindow = 256;
  const size_t lowest = labels.front();
  const size_t begin = std::max(search_from_, lowest + 1), end = std::min(nodes_.size(), begin + kWindow);
  size_t used = 0;
  for (size_t at = begin; at < end; ++at) {
    if (nodes_[at].parent != kFree) {
      ++used;
      continue;
    }
    const size_t base = at - lowest;
    const bool fits = std::all_of(labels.begin(), labels.end(), [&](unsigned char label) {
      return base + label >= nodes_.size() || nodes_[base + label].parent == kFree;
    });
    if (fits) return static_cast<uint32_t>(base);
  }
  if (end == begin + kWindow && used > kWindow * 9 / 10) search_from_ = end;
  return static_cast<uint32_t>(std::max(nodes_.size(), begin) - lowest);
}

Trie::Trie(std::vector<Key> keys) {
  std::stable_sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) { return a.text < b.text; });
  nodes_[0].parent = 0;
  nodes_[0].base = 1;
  std::vector<Range> open{{0, 0, keys.size(), 0}};
  std::vector<unsigned char> labels;
  std::vector<size_t> begins;
  while (!open.empty()) {
    Range range = open.back();
    open.pop_back();
    while (range.begin < range.end && keys[range.begin].text.size() == range.depth) {
      if (range.depth > 0) nodes_[range.node].value = keys[range.begin].value;
      ++range.begin;
    }
    if (range.begin == range.end) continue;
    labels.clear();
    begins.clear();
    for (size_t i = range.begin; i < range.end; ++i) {
      const auto label = static_cast<unsigned char>(keys[i].text[range.depth]);
      if (labels.empty() || labels.back() != label) labels.push_back(label), begins.push_back(i);
    }
    begins.push_back(range.end);
    const uint32_t base = place(labels);
    nodes_[range.node].base = base;
    const size_t needed = size_t{base} + labels.back() + 1;
    if (nodes_.size() < needed) nodes_.resize(needed);
    for (const unsigned char label : labels) nodes_[base + label].parent = range.node;
    for (size_t i = 0; i < labels.size(); ++i)
      open.push_back({base + labels[i], begins[i], begins[i + 1], range.depth + 1});
  }
}

}  // namespace lathe::tokenize
