// libFuzzer: any bytes as the manifest of a checkpoint. What is accepted is written and read again, and must be the
// same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "formats/checkpoint_manifest.h"
#include "memory_bound.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const lathe::fuzz::MemoryBound bound(size);
  const auto entries = lathe::parse_manifest(text, "f");
  if (!entries) return 0;
  for (const lathe::ManifestEntry& entry : *entries)
    if (entry.name.find('/') != std::string::npos || entry.name.front() == '.') std::abort();
  const auto again = lathe::parse_manifest(lathe::manifest_text(*entries), "f");
  if (!again || *again != *entries) std::abort();
  return 0;
}
