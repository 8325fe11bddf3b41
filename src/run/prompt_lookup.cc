#include "run/prompt_lookup.h"

#include <algorithm>

namespace lathe::run {
namespace {

// Tokens that must have stood before: pairs of words come again by chance too often for a guess (not measured).
constexpr int64_t kKnown = 3;
// Tokens that it looks back at most, so that a long text does not cost more for each token.
constexpr int64_t kReach = 16384;
constexpr int64_t kLongestPause = 32;  // tokens

}  // namespace

std::span<const int32_t> PromptLookup::guess(std::span<const int32_t> ids, int64_t room) {
  if (most_ == 0 || (wait_ > 0 && wait_-- > 0)) return {};
  const int64_t n = std::ssize(ids), size = std::min(size_, room);
  if (n <= kKnown || size <= 0) return {};
  const auto last = ids.last(kKnown);
  // The latest place counts: what was said last is most likely said again.
  for (int64_t at = n - kKnown - 1; at >= std::max<int64_t>(0, n - kReach); --at)
    if (std::equal(last.begin(), last.end(), ids.begin() + at))
      return ids.subspan(static_cast<size_t>(at + kKnown), static_cast<size_t>(std::min(size, n - at - kKnown)));
  return {};
}

void PromptLookup::learn(int64_t guessed, int64_t right) {
  if (right == guessed) {
    size_ = std::min(size_ + 1, most_);
    pause_ = 0;
  } else if (right == 0) {
    size_ = 1;
    pause_ = std::min(2 * pause_ + 2, kLongestPause);
    wait_ = pause_;
  } else {
    size_ = right;
  }
}

}  // namespace lathe::run
