// Files that are there whole or not at all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "lathe/status.h"

namespace lathe {

// Writes `bytes` to a temporary name beside `path`, flushes it to the disk and renames it over `path`. A reader sees
// the old file or the new one; after an error the old one is untouched and nothing is left behind. A path that is
// a device or a pipe is written in place.
Status write_file(const std::string& path, std::string_view bytes);
// The same for bytes that lie in several places.
Status write_file(const std::string& path, std::span<const std::string_view> pieces);

// The same for a file that comes piece by piece: `path` is there from commit() on, and what is not committed is
// removed.
class AtomicFile {
 public:
  // `bytes` is how long the file will be, 0 where nobody knows: too small a disk is an error at once. What is there
  // and is no regular file is an error.
  static Result<AtomicFile> create(const std::string& path, int64_t bytes = 0);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile();

  const std::string& path() const { return path_; }
  const std::string& temporary() const { return temporary_; }  // what a signal's handler has to remove

  Status write(std::string_view bytes);
  Status commit();

 private:
  AtomicFile(std::string path, std::string target, std::string temporary, int fd)
      : path_(std::move(path)), target_(std::move(target)), temporary_(std::move(temporary)), fd_(fd) {}

  std::string path_, target_, temporary_;
  int fd_ = -1;  // -1: committed
};

// For files that are written as they come. All bytes, through short writes and interruptions; false leaves errno.
bool write_all(int fd, std::string_view bytes);
// Where `path` leads: a symbolic link keeps being one, the file behind it is replaced.
std::string resolved_link(const std::string& path);

// The whole file; an error where it is longer than `limit` bytes.
Result<std::string> read_file(const std::string& path, int64_t limit);

}  // namespace lathe
