#include "gpu/free_ranges.h"

#include <iterator>

#include "base/checked.h"

namespace lathe::gpu {

std::optional<int64_t> FreeRanges::take(int64_t bytes, int64_t alignment) {
  for (auto range = free_.begin(); range != free_.end(); ++range) {
    const auto [from, length] = *range;
    const int64_t at = round_up(from, alignment), end = from + length;
    if (bytes > end - at) continue;
    free_.erase(range);
    if (at > from) free_.emplace(from, at - from);
    if (end > at + bytes) free_.emplace(at + bytes, end - at - bytes);
    return at;
  }
  return std::nullopt;
}

void FreeRanges::give(int64_t at, int64_t bytes) {
  const auto next = free_.lower_bound(at);
  int64_t end = at + bytes;
  if (next != free_.end() && next->first == end) end += next->second;
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == at) {
      at = before->first;
      free_.erase(before);
    }
  }
  if (next != free_.end() && next->first <= end && next->first >= at) free_.erase(next);
  free_[at] = end - at;
}

}  // namespace lathe::gpu
