// What reading a file may take, held for every input: while one stands, the bytes that live on the heap exceed those
// at its beginning by at most 64 MiB and twice the file's size. Beyond that it ends the program, as a crash does.
#pragma once

#include <sanitizer/allocator_interface.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace lathe::fuzz {

class MemoryBound {
 public:
  explicit MemoryBound(size_t file_bytes) {
    static const int installed = __sanitizer_install_malloc_and_free_hooks(&allocated, &freed);
    if (installed == 0) std::abort();  // nothing would be counted
    live_ = 0;
    most_ = static_cast<ptrdiff_t>((size_t{64} << 20) + 2 * file_bytes);
  }
  ~MemoryBound() { most_ = 0; }
  MemoryBound(const MemoryBound&) = delete;
  MemoryBound& operator=(const MemoryBound&) = delete;

 private:
  static void allocated(const volatile void*, size_t size) {
    if (most_ == 0) return;
    live_ += static_cast<ptrdiff_t>(size);
    if (live_ <= most_) return;
    const ptrdiff_t most = most_.exchange(0);  // what reports this may allocate
    std::fprintf(stderr, "MemoryBound: %td bytes are allocated, at most %td may be\n", live_.load(), most);
    std::abort();
  }
  static void freed(const volatile void* memory) {
    if (most_ != 0 && memory != nullptr)
      live_ -= static_cast<ptrdiff_t>(__sanitizer_get_allocated_size(const_cast<const void*>(memory)));
  }

  inline static std::atomic<ptrdiff_t> live_{0}, most_{0};  // most_ 0: none stands
};

}  // namespace lathe::fuzz
