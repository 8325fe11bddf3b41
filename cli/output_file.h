// Where a command's results go: a file that is there whole or not at all, or standard output.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "lathe/status.h"

namespace lathe::cli {

class OutputFile {
 public:
  // Without `path`: standard output. A file is written under a temporary name beside it and renamed by commit(); what
  // is not committed is removed, by a signal too. A device or a pipe is written as it comes. Where `patched`, bytes
  // already written can be changed: what cannot go back then waits in an unnamed temporary file until commit().
  static Result<OutputFile> open(const std::string& path, bool patched);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  // Gathers bytes, and writes them by 64 KiB.
  Status write(std::string_view bytes);
  Status flush();
  Status patch(int64_t offset, std::string_view bytes);
  Status commit();

 private:
  OutputFile() = default;
  Status open_named(const std::string& path, bool patched);
  Status open_stream(int fd, bool patched);
  Status refused(const char* what) const;
  Status copy_spooled();

  std::string name_;                // for errors
  std::string target_, temporary_;  // of a file that is renamed at the end; empty: none is
  std::string gathered_;
  int fd_ = -1, stream_ = -1;  // where bytes go, and where they go from an unnamed file at the end
  bool owned_ = false;         // fd_ is closed here
  int64_t begin_ = 0;          // offset of the first byte
};

}  // namespace lathe::cli
