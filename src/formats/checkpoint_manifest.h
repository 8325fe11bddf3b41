// A folder of files that is whole or does not count: manifest.json names every file with its length and SHA-256, and
// the marker COMPLETE, written last, holds the SHA-256 of the manifest. docs/formats.md has both.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"

namespace lathe {

struct ManifestEntry {
  std::string name;
  int64_t bytes = 0;
  std::string sha256;
  bool operator==(const ManifestEntry&) const = default;
};

std::string manifest_text(const std::vector<ManifestEntry>& entries);
// Names are plain (letters, digits, '.', '_' and '-'), with one '/' where they are of a folder in it, each once, so
// that none leads out of the folder.
Result<std::vector<ManifestEntry>> parse_manifest(std::string_view text, std::string_view file);

// Makes the folder `path`: `fill` writes files into the folder that it is given, beside `path`; they are then hashed,
// the manifest and the marker are written, everything is flushed to the disk, and the folder gets its name. What is at
// `path` already is replaced. After an error nothing is left, and what was there is untouched.
Status write_checkpoint(const std::string& path, const std::function<Status(const std::string& folder)>& fill);

// Whether every file of the folder is what the manifest says, to the last byte. The sentence says what is not.
Status verify_checkpoint(const std::string& path);

// The folders that a killed process left beside checkpoints. Only for whoever alone writes to `folder`.
void remove_unfinished_checkpoints(const std::string& folder);

}  // namespace lathe
