// libFuzzer: any bytes as a GGUF file, whose values and tensors are then all read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "formats/gguf.h"
#include "memory_bound.h"
#include "quant/dequantize.h"

namespace {

size_t touch(const lathe::Gguf& gguf) {
  size_t sum = 0;
  for (const lathe::GgufEntry& entry : gguf.entries()) {
    if (const auto strings = gguf.require_strings(entry.key))
      for (const std::string_view text : *strings)
        for (const char c : text) sum += static_cast<size_t>(c);
    if (const auto numbers = gguf.require_floats(entry.key)) sum += numbers->size();
    if (const auto bytes = gguf.byte_array(entry.key))
      for (const std::byte b : *bytes) sum += static_cast<size_t>(b);
    sum += gguf.at(entry.key).index();
  }
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  std::vector<lathe::TensorView> tensors;
  {
    const lathe::fuzz::MemoryBound bound(size);
    const auto gguf = lathe::Gguf::parse(bytes, "f");
    if (!gguf) return 0;
    volatile size_t sum = touch(*gguf);
    static_cast<void>(sum);
    tensors.assign(gguf->tensors().all().begin(), gguf->tensors().all().end());
  }
  std::vector<float> values;
  for (const lathe::TensorView& tensor : tensors) {
    if (!lathe::dequantizer(tensor.dtype)) continue;
    values.resize(static_cast<size_t>(tensor.elements()));
    if (!lathe::dequantize(tensor.dtype, tensor.bytes, tensor.elements(), values.data()).ok()) std::abort();
  }
  return 0;
}
