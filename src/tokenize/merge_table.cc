#include <bit>

#include "tokenize/bpe.h"

namespace lathe::tokenize {
namespace {

uint64_t pair_of(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

}  // namespace

void MergeTable::prefetch(int32_t left, int32_t right) const {
  __builtin_prefetch(&slots_[home(pair_of(left, right))]);
}

void MergeTable::reserve(size_t merges) { slots_.assign(std::bit_ceil(merges + merges / 2 + 1), {}); }

void MergeTable::insert(int32_t left, int32_t right, Merge merge) {
  const uint64_t pair = pair_of(left, right);
  size_t at = home(pair);
  while (slots_[at].pair != kEmpty && slots_[at].pair != pair) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {pair, merge};
}

Merge MergeTable::find(int32_t left, int32_t right) const {
  const uint64_t pair = pair_of(left, right);
  for (size_t at = home(pair); slots_[at].pair != kEmpty; at = (at + 1) & (slots_.size() - 1))
    if (slots_[at].pair == pair) return slots_[at].merge;
  return {kNoMerge, -1};
}

}  // namespace lathe::tokenize
