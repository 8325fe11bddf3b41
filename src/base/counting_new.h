// For tests that hold a path free of allocations: counts every operator new of the program. It defines that operator,
// weakly, so that several files of one program may include it. What base/memory.h maps is not counted.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace lathe {
inline std::atomic<int64_t> allocations{0};
}

// Out of line: inlined, the compiler sees malloc's memory given to delete and warns.
__attribute__((noinline, weak)) void* operator new(size_t size) {
  ++lathe::allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
__attribute__((noinline, weak)) void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++lathe::allocations;
  return std::malloc(size);
}
__attribute__((noinline, weak)) void* operator new(size_t size, std::align_val_t alignment) {
  ++lathe::allocations;
  const auto unit = static_cast<size_t>(alignment);
  if (void* memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit)) return memory;
  throw std::bad_alloc();
}
__attribute__((noinline, weak)) void operator delete(void* memory) noexcept { std::free(memory); }
__attribute__((noinline, weak)) void operator delete(void* memory, size_t) noexcept { std::free(memory); }
__attribute__((noinline, weak)) void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
__attribute__((noinline, weak)) void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
