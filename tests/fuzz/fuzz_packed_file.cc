// libFuzzer: any bytes as a file of packed weights, whose entries and panels are then all read. The checksum would
// refuse nearly every one of them, and the head's page is zeros for the most part; so the input is also taken as head,
// panels and table alone, put where they belong and sealed as a hostile writer would.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "aligned_copy.h"
#include "formats/packed_file.h"
#include "formats/packed_head.h"
#include "memory_bound.h"

namespace {

size_t touch(const lathe::PackedFile& packed, std::span<const std::byte> file) {
  size_t sum = packed.info().key.size() + packed.info().model.size() + packed.info().stored.size();
  const std::byte* end = file.data();
  for (const lathe::PackedEntry& entry : packed.entries()) {
    const lathe::PackedEntry* found = packed.find(entry.name);
    const auto panels = entry.panels;
    const bool aligned = reinterpret_cast<uintptr_t>(panels.data()) % 64 == 0;
    const auto size = lathe::packed_bytes(entry.n, entry.k, entry.gated, entry.layout);
    if (found != &entry || !aligned || size != static_cast<int64_t>(panels.size())) std::abort();
    for (const std::byte b : panels) sum += static_cast<size_t>(b);
    end = std::max(end, panels.data() + panels.size());
  }
  if (end > file.data() + file.size()) std::abort();
  return sum;
}

void read(std::span<const std::byte> bytes) {
  const lathe::fuzz::AlignedCopy copy(bytes);
  const lathe::fuzz::MemoryBound bound(bytes.size());
  const auto packed = lathe::PackedFile::parse(copy.bytes(), "f");
  volatile size_t sum = packed ? touch(*packed, copy.bytes()) : 0;
  static_cast<void>(sum);
}

std::string sealed(std::string_view input) {
  lathe::PackedHead head{};
  std::memcpy(&head, input.data(), std::min(input.size(), sizeof head));
  std::string bytes(lathe::kPackedDataAt, '\0');
  bytes += input.substr(std::min(input.size(), sizeof head));
  const auto size = static_cast<int64_t>(bytes.size());
  if (head.table_at >= 0 && head.table_at <= size) {
    const std::string sum = lathe::packed_checksum(head, std::string_view(bytes).substr(head.table_at));
    std::memcpy(head.checksum, sum.data(), sizeof head.checksum);
  }
  std::memcpy(bytes.data(), &head, sizeof head);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  read(input);
  const std::string file = sealed({reinterpret_cast<const char*>(data), size});
  read(std::as_bytes(std::span(file)));
  return 0;
}
