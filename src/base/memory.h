// Aligned, move-only memory. Buffers of 2 MiB and more ask for huge pages: the hardware prefetchers stop at page
// boundaries, and a 4 MiB weight read through 4 KiB pages costs a TLB miss per 64 cache lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "lathe/status.h"

namespace lathe {

class Buffer {
 public:
  static constexpr size_t kAlignment = 64;

  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        mapped_(std::exchange(other.mapped_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(mapped_, other.mapped_);
    return *this;
  }
  ~Buffer();

  // `bytes` zeroed bytes, aligned to 64 (to 2 MiB where huge pages are asked for). An error when the system has none.
  static Result<Buffer> create(int64_t bytes);

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }

  template <class T>
  T* as() {
    return reinterpret_cast<T*>(data_);
  }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  size_t mapped_ = 0;  // bytes of the mapping; 0 where the buffer is empty
};

}  // namespace lathe
