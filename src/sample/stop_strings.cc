#include "sample/stop_strings.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/shown.h"
#include "tokenize/utf8.h"

namespace lathe::sample {

Result<StopStrings> StopStrings::create(std::span<const std::string> strings) {
  StopStrings made;
  if (strings.empty()) return made;
  if (strings.size() > kMost)
    return invalid_argument(fmt::format("{} stop strings were given, at most {} are taken", strings.size(), kMost));
  size_t bytes = 0;
  for (const std::string& string : strings) {
    bytes += string.size();
    if (string.empty() || string.size() > kLongest)
      return invalid_argument(fmt::format("a stop string has {} bytes, needed: 1 to {}", string.size(), kLongest));
    if (!tokenize::is_valid_utf8(string))
      return invalid_argument(fmt::format("the stop string {} is not UTF-8", shown(string)));
  }
  if (bytes > kAllBytes)
    return invalid_argument(
        fmt::format("the stop strings have {} bytes together, at most {} are taken", bytes, kAllBytes));
  made.nodes_.reserve(bytes + 1);
  made.nodes_.emplace_back().next.fill(-1);
  for (const std::string& string : strings) made.add(string);
  made.link();
  return made;
}

void StopStrings::add(std::string_view string) {
  size_t at = 0;
  for (const char byte : string) {
    const auto b = static_cast<unsigned char>(byte);
    if (nodes_[at].next[b] < 0) {
      nodes_[at].next[b] = static_cast<int32_t>(nodes_.size());
      const uint32_t depth = nodes_[at].depth + 1;
      nodes_.emplace_back().next.fill(-1);
      nodes_.back().depth = depth;
    }
    at = static_cast<size_t>(nodes_[at].next[b]);
  }
  nodes_[at].found = nodes_[at].depth;
}

// Breadth first: the state of a node's longest proper suffix is complete before the node is reached.
void StopStrings::link() {
  std::vector<int32_t> order = {0}, suffix(nodes_.size(), 0);
  for (size_t i = 0; i < order.size(); ++i) {
    const auto node = static_cast<size_t>(order[i]);
    const Node& behind = nodes_[static_cast<size_t>(suffix[node])];
    for (size_t b = 0; b < 256; ++b) {
      const int32_t child = nodes_[node].next[b], other = node == 0 ? 0 : behind.next[b];
      if (child < 0) {
        nodes_[node].next[b] = other;
        continue;
      }
      suffix[static_cast<size_t>(child)] = other;
      Node& reached = nodes_[static_cast<size_t>(child)];
      reached.found = std::max(reached.found, nodes_[static_cast<size_t>(other)].found);
      order.push_back(child);
    }
  }
}

}  // namespace lathe::sample
