// libFuzzer: any bytes as a checkpoint of llama2.c, and as a vocabulary of it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "aligned_copy.h"
#include "formats/llama2c.h"
#include "memory_bound.h"

namespace {

// Every tensor lies within the file, and has the bytes that its shape needs.
size_t touch(const lathe::Llama2c& model, std::span<const std::byte> file) {
  size_t sum = 0;
  for (const lathe::TensorView& tensor : model.tensors.all()) {
    if (tensor.bytes.data() < file.data() || tensor.bytes.data() + tensor.bytes.size() > file.data() + file.size())
      std::abort();
    if (tensor.bytes.size() != static_cast<size_t>(tensor.elements()) * sizeof(float)) std::abort();
    sum += static_cast<size_t>(tensor.bytes.front()) + static_cast<size_t>(tensor.bytes.back());
  }
  return sum + static_cast<size_t>(model.header.head_dim());
}

size_t touch(const lathe::Llama2cVocabulary& vocabulary) {
  if (vocabulary.pieces.size() != vocabulary.scores.size()) std::abort();
  size_t sum = 0;
  for (const std::string_view piece : vocabulary.pieces)
    for (const char c : piece) sum += static_cast<unsigned char>(c);
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const lathe::fuzz::AlignedCopy copy(std::as_bytes(std::span(data, size)));
  const lathe::fuzz::MemoryBound bound(size);
  const auto model = lathe::Llama2c::parse(copy.bytes(), "f");
  volatile size_t sum = model ? touch(*model, copy.bytes()) : 0;
  const auto vocabulary = lathe::Llama2cVocabulary::parse(copy.bytes(), "f");
  sum = vocabulary ? touch(*vocabulary) : 0;
  static_cast<void>(sum);
  return 0;
}
