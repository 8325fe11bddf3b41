// libFuzzer: any bytes as the manifest of a checkpoint. What is accepted is written and read again, and must be the
// same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>

#include "formats/checkpoint_manifest.h"
#include "memory_bound.h"

namespace {

// A file of the checkpoint's folder, or of a folder in it.
bool stays_inside(const std::string& name) {
  const std::filesystem::path path(name);
  return path.is_relative() && path.has_filename() && std::distance(path.begin(), path.end()) <= 2 &&
         std::none_of(path.begin(), path.end(), [](const auto& part) { return part.string().starts_with('.'); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const lathe::fuzz::MemoryBound bound(size);
  const auto entries = lathe::parse_manifest(text, "f");
  if (!entries) return 0;
  for (const lathe::ManifestEntry& entry : *entries)
    if (!stays_inside(entry.name)) std::abort();
  const auto again = lathe::parse_manifest(lathe::manifest_text(*entries), "f");
  if (!again || *again != *entries) std::abort();
  return 0;
}
