// Bytes as a mapping has them: aligned, and nothing behind the last one.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <span>

namespace lathe::fuzz {

class AlignedCopy {
 public:
  explicit AlignedCopy(std::span<const std::byte> bytes)
      : size_(bytes.size()), data_(::operator new (size_, std::align_val_t{64})) {
    if (size_ > 0) std::memcpy(data_, bytes.data(), size_);
  }
  ~AlignedCopy() { ::operator delete (data_, std::align_val_t{64}); }
  AlignedCopy(const AlignedCopy&) = delete;
  AlignedCopy& operator=(const AlignedCopy&) = delete;

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

 private:
  size_t size_;
  void* data_;
};

}  // namespace lathe::fuzz
