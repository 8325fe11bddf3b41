#include "tokenize/vocab.h"

#include <algorithm>
#include <array>
#include <bit>

namespace lathe::tokenize {

Vocab::Vocab(std::span<const std::string_view> pieces) {
  size_t bytes = 0;
  for (const auto piece : pieces) bytes += piece.size();
  bytes_.reserve(bytes);
  offsets_.reserve(pieces.size() + 1);
  for (const auto piece : pieces) {
    bytes_ += piece;
    offsets_.push_back(bytes_.size());
  }
}

PieceIndex::PieceIndex(const Vocab& vocab, std::span<const int32_t> ids, size_t strip) : vocab_(&vocab), strip_(strip) {
  // At most two thirds full: clearing pages is a third of what is left of the time.
  slots_.resize(std::bit_ceil(ids.size() + ids.size() / 2 + 1));
  // Each slot is a miss of the caches, and waiting for one after the other was three quarters of the time that a
  // tokenizer of 150,000 pieces takes to load: so many are on their way at once.
  constexpr size_t kAhead = 32;
  std::array<PieceHash, kAhead> hashes;
  for (size_t begin = 0; begin < ids.size(); begin += kAhead) {
    const auto block = ids.subspan(begin, std::min(kAhead, ids.size() - begin));
    for (size_t i = 0; i < block.size(); ++i) {
      hashes[i] = PieceHash();
      hashes[i].add(key(block[i]));
      prefetch(hashes[i]);
    }
    for (size_t i = 0; i < block.size(); ++i) insert(block[i], hashes[i]);
  }
}

void PieceIndex::insert(int32_t id, PieceHash hash) {
  const std::string_view text = key(id);
  longest_ = std::max(longest_, text.size());
  const auto same = [&](const Slot& slot) { return slot.tag == tag(hash) && key(slot.id) == text; };
  size_t at = home(hash);
  while (slots_[at].id >= 0 && !same(slots_[at])) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {id, tag(hash)};
}

}  // namespace lathe::tokenize
