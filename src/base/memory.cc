#include "base/memory.h"

#include <sys/mman.h>

#include <cstring>
#include <limits>

#include "base/checked.h"

namespace lathe {
namespace {
constexpr size_t kHugePage = size_t{2} << 20;
}

Result<Buffer> Buffer::create(int64_t bytes) {
  if (bytes < 0 || bytes > std::numeric_limits<int64_t>::max() - static_cast<int64_t>(2 * kHugePage))
    return out_of_memory("cannot allocate " + std::to_string(bytes) + " bytes: not a possible size");
  Buffer buffer;
  if (bytes == 0) return buffer;
  const bool huge = static_cast<size_t>(bytes) >= kHugePage;
  const size_t slack = huge ? kHugePage : 0;
  const size_t length = static_cast<size_t>(round_up(bytes, huge ? kHugePage : 4096));
  // An anonymous mapping is page aligned and already zero, and a failure is an answer instead of an exception.
  void* base = mmap(nullptr, length + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED)
    return out_of_memory("cannot allocate " + std::to_string(bytes) + " bytes: " + std::strerror(errno));
  auto* start = static_cast<std::byte*>(base);
  if (huge) {  // trim to a 2 MiB boundary
    const size_t head = (kHugePage - reinterpret_cast<uintptr_t>(start) % kHugePage) % kHugePage;
    if (head != 0) munmap(start, head);
    if (slack != head) munmap(start + head + length, slack - head);
    start += head;
#ifdef MADV_HUGEPAGE
    (void)madvise(start, length, MADV_HUGEPAGE);  // advice: a kernel without huge pages only runs slower
#endif
  }
  buffer.data_ = start;
  buffer.size_ = static_cast<size_t>(bytes);
  buffer.mapped_ = length;
  return buffer;
}

Buffer::~Buffer() {
  if (mapped_ != 0) munmap(data_, mapped_);
}

}  // namespace lathe
