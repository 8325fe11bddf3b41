// libFuzzer: any bytes as an index, whose files, chunks and vectors are then all read.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "aligned_copy.h"
#include "formats/index_file.h"
#include "memory_bound.h"

namespace {

size_t sum_of(std::string_view text) {
  size_t sum = 0;
  for (const char c : text) sum += static_cast<unsigned char>(c);
  return sum;
}

size_t touch(const lathe::IndexFile& index) {
  size_t sum = sum_of(index.meta().model) + sum_of(index.meta().fingerprint) + sum_of(index.meta().roots);
  for (int64_t i = 0; i < index.files(); ++i) {
    const lathe::IndexedFile file = index.file(i);
    sum += sum_of(file.path) + sum_of(file.sha256) + static_cast<size_t>(file.first_chunk + file.chunks);
  }
  for (int64_t i = 0; i < index.chunks(); ++i) {
    const lathe::IndexedChunk chunk = index.chunk(i);
    if (chunk.file < 0 || chunk.file >= index.files()) std::abort();
    if (chunk.first_line < 1 || chunk.last_line < chunk.first_line) std::abort();
    sum += sum_of(chunk.heading) + sum_of(chunk.text);
    for (int64_t k = 0; k < index.dim(); ++k) sum += std::isnan(index.exact()[i * index.dim() + k]);
    if (index.store() == lathe::IndexStore::int8) sum += std::isnan(index.scales()[i]);
  }
  const int64_t element = index.store() == lathe::IndexStore::f32    ? 4
                          : index.store() == lathe::IndexStore::bf16 ? 2
                                                                     : 1;
  const auto* bytes = static_cast<const char*>(index.vectors());
  return sum + sum_of({bytes, static_cast<size_t>(index.chunks() * index.dim() * element)});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const lathe::fuzz::AlignedCopy copy(std::as_bytes(std::span(data, size)));
  const lathe::fuzz::MemoryBound bound(size);
  const auto index = lathe::IndexFile::parse(copy.bytes(), "f");
  volatile size_t sum = index ? touch(*index) : 0;
  static_cast<void>(sum);
  return 0;
}
