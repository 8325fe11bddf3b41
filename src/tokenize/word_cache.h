// What words became, so that a text's common words cost one look-up each. Direct-mapped and of fixed size: a word that
// falls on another's place takes it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace lathe::tokenize {

class WordCache {
 public:
  static constexpr size_t kLongestWord = 29;  // bytes
  static constexpr size_t kMostIds = 8;

  // 16384 entries of 64 bytes: War and Peace has 42,000 distinct words with their spaces, nine tenths of the text being
  // a few thousand of them, and 1 MiB is what a core's second-level cache holds.
  void enable() {
    if (entries_.empty()) entries_.resize(kEntries);
  }
  bool enabled() const { return !entries_.empty(); }
  void clear() { entries_.clear(), entries_.shrink_to_fit(); }

  // True and the ids appended where the word is known.
  bool append_known(std::string_view word, std::vector<int32_t>& out) const {
    if (word.size() > kLongestWord || entries_.empty()) return false;
    const Entry& e = entries_[home(word)];
    if (!e.used || e.length != word.size() || std::memcmp(e.word, word.data(), word.size()) != 0) return false;
    if (e.count == 1)
      out.push_back(e.ids[0]);
    else
      out.insert(out.end(), e.ids, e.ids + e.count);
    return true;
  }
  void remember(std::string_view word, std::span<const int32_t> ids) {
    if (word.size() > kLongestWord || entries_.empty() || ids.size() > kMostIds) return;
    Entry& e = entries_[home(word)];
    e.used = 1;
    e.length = static_cast<uint8_t>(word.size());
    e.count = static_cast<uint8_t>(ids.size());
    std::memcpy(e.word, word.data(), word.size());
    std::copy(ids.begin(), ids.end(), e.ids);
  }

 private:
  struct alignas(64) Entry {
    uint8_t used = 0, length = 0, count = 0;
    char word[kLongestWord];
    int32_t ids[kMostIds];
  };
  static constexpr size_t kEntries = 16384;

  static size_t home(std::string_view word) {
    uint64_t a = 0, b = 0;
    const size_t n = word.size();
    if (n >= 8) {
      std::memcpy(&a, word.data(), 8);
      std::memcpy(&b, word.data() + n - 8, 8);
      if (n > 16) {
        uint64_t c;
        std::memcpy(&c, word.data() + 8, 8);
        a ^= c * 0x9e3779b97f4a7c15u;
        if (n > 24) {
          std::memcpy(&c, word.data() + 16, 8);
          b ^= c * 0xc2b2ae3d27d4eb4fu;
        }
      }
    } else {
      for (size_t i = 0; i < n; ++i) a = a << 8 | static_cast<unsigned char>(word[i]);
    }
    const uint64_t mixed = ((a ^ n) * 0x9e3779b97f4a7c15u) ^ std::rotr(b * 0xc2b2ae3d27d4eb4fu, 29);
    return (mixed ^ mixed >> 32) & (kEntries - 1);
  }

  std::vector<Entry> entries_;
};

}  // namespace lathe::tokenize
