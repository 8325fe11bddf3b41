// Pieces by id, and ids by piece.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::tokenize {

// More than any published vocabulary (about 260,000) has by far; what a hostile file could ask for stays in bounds.
constexpr int64_t kMostPieces = int64_t{1} << 21;

class Vocab {
 public:
  Vocab() = default;
  explicit Vocab(std::span<const std::string_view> pieces);

  int32_t size() const { return static_cast<int32_t>(offsets_.size()) - 1; }
  std::string_view piece(int32_t id) const {
    const auto i = static_cast<size_t>(id);
    return std::string_view(bytes_).substr(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }

 private:
  std::string bytes_;
  std::vector<size_t> offsets_ = {0};
};

// A byte-wise hash (FNV-1a), so that the hashes of all prefixes of a word come out of one pass.
struct PieceHash {
  uint64_t state = 0xcbf29ce484222325u;
  void add(char byte) { state = (state ^ static_cast<unsigned char>(byte)) * 0x100000001b3u; }
  void add(std::string_view text) {
    for (const char byte : text) add(byte);
  }
};

// Finds ids by text, without the first `strip` bytes of each piece. It does not own the pieces: the Vocab must stay.
class PieceIndex {
 public:
  PieceIndex() = default;
  // Where two ids have one text, the later one is found.
  PieceIndex(const Vocab& vocab, std::span<const int32_t> ids, size_t strip = 0);

  // The id, or -1.
  int32_t find(std::string_view text) const {
    if (text.size() > longest_) return -1;
    PieceHash hash;
    hash.add(text);
    return find(hash, text);
  }
  int32_t find(PieceHash hash, std::string_view text) const {
    if (slots_.empty()) return -1;
    for (size_t at = home(hash);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.id < 0) return -1;
      if (slot.tag == tag(hash) && key(slot.id) == text) return slot.id;
    }
  }
  // Of a find that will follow.
  void prefetch(PieceHash hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[home(hash)]);
  }
  size_t longest() const { return longest_; }  // bytes

 private:
  struct Slot {
    int32_t id = -1;
    uint32_t tag = 0;
  };
  static uint32_t tag(PieceHash hash) { return static_cast<uint32_t>(hash.state >> 32); }
  // The last byte alone reaches few of the low bits, and pieces that differ in it alone would lie in heaps.
  size_t home(PieceHash hash) const { return (hash.state * 0x9e3779b97f4a7c15u >> 32) & (slots_.size() - 1); }
  void insert(int32_t id, PieceHash hash);
  std::string_view key(int32_t id) const { return vocab_->piece(id).substr(strip_); }

  const Vocab* vocab_ = nullptr;
  size_t strip_ = 0, longest_ = 0;
  std::vector<Slot> slots_;
};

}  // namespace lathe::tokenize
