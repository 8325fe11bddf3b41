// libFuzzer: any bytes as a safetensors file, and as the index of one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "formats/safetensors.h"
#include "formats/safetensors_index.h"
#include "memory_bound.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const lathe::fuzz::MemoryBound bound(size);
  if (const auto content = lathe::parse_safetensors(bytes, "f")) {
    for (const lathe::TensorView& tensor : content->tensors) {
      const bool within = tensor.bytes.empty() || (tensor.bytes.data() >= bytes.data() &&
                                                   tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + size);
      if (!within || lathe::tensor_bytes(tensor.dtype, tensor.shape) != static_cast<int64_t>(tensor.bytes.size()))
        std::abort();
    }
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto shards = lathe::safetensors_shards(text, "f"))
    for (const std::string& shard : *shards)
      if (shard.find('/') != shard.npos) std::abort();
  return 0;
}
