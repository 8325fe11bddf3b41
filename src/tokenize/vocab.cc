#include "tokenize/vocab.h"

#include <algorithm>
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
  slots_.resize(std::bit_ceil(ids.size() * 2 + 1));
  for (const int32_t id : ids) {
    const std::string_view text = key(id);
    longest_ = std::max(longest_, text.size());
    PieceHash hash;
    hash.add(text);
    size_t at = home(hash);
    while (slots_[at].id >= 0 && key(slots_[at].id) != text) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {id, tag(hash)};
  }
}

}  // namespace lathe::tokenize
