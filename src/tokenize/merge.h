// Byte-pair merging: again and again the adjacent pair of the lowest rank, the leftmost of equals, becomes one symbol.
// A heap of candidates makes that O(n log n) in a word however long; a short word is scanned instead, which is faster
// up to about two dozen symbols.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lathe::tokenize {

struct Symbol {
  int32_t id;               // -1: no piece has this text
  uint32_t begin, length;   // in the word
  uint32_t previous, next;  // kNone at the ends
  static constexpr uint32_t kNone = UINT32_MAX;
};

struct Candidate {
  uint32_t rank;
  uint32_t left;   // symbol
  int32_t merged;  // id of the two as one
};

// What two neighbours become; rank kNoMerge where they stay apart.
struct Merge {
  uint32_t rank;
  int32_t merged;
};
constexpr uint32_t kNoMerge = UINT32_MAX;

namespace merging {

// Symbols are erased by moving the rest up; find(a, b) is asked again only beside a merge.
template <class Find>
void merge_short(std::vector<Symbol>& s, std::vector<Candidate>& c, Find&& find) {
  c.clear();
  const auto ask = [&](size_t i) {
    const Merge m = find(s[i], s[i + 1]);
    c[i] = {m.rank, static_cast<uint32_t>(i), m.merged};
  };
  c.resize(s.size());
  for (size_t i = 0; i + 1 < s.size(); ++i) ask(i);
  while (s.size() > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < s.size(); ++i)
      if (c[i].rank < c[best].rank) best = i;
    if (c[best].rank == kNoMerge) break;
    s[best].id = c[best].merged;
    s[best].length += s[best + 1].length;
    s.erase(s.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    c.erase(c.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    if (best + 1 < s.size()) ask(best);
    if (best > 0) ask(best - 1);
  }
}

inline bool later(const Candidate& a, const Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
}

template <class Find>
void merge_long(std::vector<Symbol>& s, std::vector<Candidate>& heap, Find&& find) {
  heap.clear();
  for (uint32_t i = 0; i < s.size(); ++i) {
    s[i].previous = i == 0 ? Symbol::kNone : i - 1;
    s[i].next = i + 1 == s.size() ? Symbol::kNone : i + 1;
    if (s[i].next == Symbol::kNone) break;
    const Merge m = find(s[i], s[i + 1]);
    if (m.rank != kNoMerge) heap.push_back({m.rank, i, m.merged});
  }
  std::make_heap(heap.begin(), heap.end(), later);
  const auto offer = [&](uint32_t left) {
    const Merge m = find(s[left], s[s[left].next]);
    if (m.rank == kNoMerge) return;
    heap.push_back({m.rank, left, m.merged});
    std::push_heap(heap.begin(), heap.end(), later);
  };
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    const Candidate best = heap.back();
    heap.pop_back();
    Symbol& left = s[best.left];
    if (left.length == 0 || left.next == Symbol::kNone) continue;
    Symbol& right = s[left.next];
    const Merge now = find(left, right);  // the pair that was offered may be gone
    if (now.rank == kNoMerge || now.merged != best.merged) continue;
    left.id = best.merged;
    left.length += right.length;
    right.length = 0;
    left.next = right.next;
    if (left.next != Symbol::kNone) s[left.next].previous = best.left;
    if (left.next != Symbol::kNone) offer(best.left);
    if (left.previous != Symbol::kNone) offer(left.previous);
  }
  std::erase_if(s, [](const Symbol& symbol) { return symbol.length == 0; });
}

}  // namespace merging

// `symbols` in order, each of at least one byte. What is left of them is the segmentation.
template <class Find>
void merge_all(std::vector<Symbol>& symbols, std::vector<Candidate>& memory, Find&& find) {
  constexpr size_t kShort = 24;
  if (symbols.size() <= kShort)
    merging::merge_short(symbols, memory, find);
  else
    merging::merge_long(symbols, memory, find);
}

}  // namespace lathe::tokenize
