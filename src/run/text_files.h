// Which files of a folder are indexed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lathe/status.h"

namespace lathe::run {

struct FileFilter {
  // Shell patterns against a file's name, and against its path below the folder. Without `include`: every file.
  std::vector<std::string> include{}, exclude{};  // `exclude` leaves out whole folders too
  int64_t most_bytes = int64_t{16} << 20;
};

struct FoundFile {
  std::string path;  // the PATH that led to it, and the way below it
  int64_t bytes = 0;
  int64_t mtime_ns = 0;
};

struct FoundFiles {
  std::vector<FoundFile> files;      // sorted by path, each once
  std::vector<std::string> skipped;  // a sentence each: too large, unreadable
};

// Folders are searched to any depth, without what is hidden (".git") and without following links to folders. A file
// that is named itself is taken whatever the patterns say.
Result<FoundFiles> find_files(const std::vector<std::string>& paths, const FileFilter& filter);

// Text holds no NUL byte in its first 8 KiB.
bool looks_binary(std::string_view content);

}  // namespace lathe::run
