// The best k of many scores. A higher score is better, of equal ones the lower number, so the order is total and what
// is kept does not depend on who pushes when.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace lathe::ops {

struct Hit {
  float score = 0;
  int64_t index = 0;
};

constexpr bool better(const Hit& a, const Hit& b) {
  return a.score > b.score || (a.score == b.score && a.index < b.index);
}

class TopK {
 public:
  explicit TopK(int64_t k) : k_(static_cast<size_t>(k)) { heap_.reserve(k_); }

  // NaN counts as the worst there is.
  void push(float score, int64_t index) {
    const Hit hit = {std::isnan(score) ? -INFINITY : score, index};
    if (heap_.size() < k_) {
      heap_.push_back(hit);
      std::push_heap(heap_.begin(), heap_.end(), better);
    } else if (k_ > 0 && better(hit, heap_.front())) {
      std::pop_heap(heap_.begin(), heap_.end(), better);
      heap_.back() = hit;
      std::push_heap(heap_.begin(), heap_.end(), better);
    }
  }
  void push(const TopK& other) {
    for (const Hit& hit : other.heap_) push(hit.score, hit.index);
  }
  // Best first. Leaves nothing behind.
  std::vector<Hit> take() {
    std::sort_heap(heap_.begin(), heap_.end(), better);
    return std::move(heap_);
  }

 private:
  size_t k_;
  std::vector<Hit> heap_;  // the worst of those kept in front
};

}  // namespace lathe::ops
