// Cuts one piece of memory into arrays, or says how long it has to be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>

#include "base/checked.h"

namespace lathe::models {

// Lays arrays one behind the other, aligned to 64. Without a base it only counts.
class MemoryCutter {
 public:
  explicit MemoryCutter(std::byte* base) : base_(base) {}

  template <class T = float>
  T* take(std::initializer_list<int64_t> counts) {
    std::optional<int64_t> bytes = sizeof(T);
    for (const int64_t count : counts)
      if (bytes) bytes = checked_mul(*bytes, count);
    const auto end = bytes ? checked_add(size_, *bytes) : std::nullopt;
    if (!end || *end > kMost) {
      overflow_ = true;
      return nullptr;
    }
    T* at = base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + size_);
    size_ = round_up(*end, 64);
    return at;
  }
  int64_t size() const { return size_; }
  bool overflow() const { return overflow_; }

 private:
  static constexpr int64_t kMost = int64_t{1} << 46;  // beyond any machine this runs on
  std::byte* base_;
  int64_t size_ = 0;
  bool overflow_ = false;
};

}  // namespace lathe::models
