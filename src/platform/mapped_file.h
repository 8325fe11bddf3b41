// A file as read-only memory. Pages are read when they are touched and belong to the system's cache, so a mapped model
// costs no memory of its own and a second process shares it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "lathe/status.h"

namespace lathe {

// Which file it was, and in which state, when it was opened. Two that are equal are taken to hold the same bytes:
// whoever writes to a file changes its times, and ctime cannot be set back by anybody.
struct FileIdentity {
  uint64_t device = 0, inode = 0;
  int64_t size = 0, modified_ns = 0, changed_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};
// Of the file that is at `path` now.
Result<FileIdentity> identify(const std::string& path);

// Somebody who cuts a file short while it is mapped ends the process (SIGBUS), as with any mapping. Files are replaced
// by renaming (base/atomic_file.h), which leaves the mapped one whole.
class MappedFile {
 public:
  enum class Advice : uint8_t {
    sequential,  // read ahead far: a whole file is packed or hashed
    random,      // no read-ahead: rows of an embedding table are gathered
    will_need,   // start reading now
    dont_need,   // the pages were used up and may go
  };

  MappedFile() = default;  // empty
  MappedFile(MappedFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        path_(std::move(other.path_)),
        identity_(other.identity_) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(path_, other.path_);
    std::swap(identity_, other.identity_);
    return *this;
  }
  ~MappedFile();

  // A regular file, or a link to one. An empty file gives no bytes.
  static Result<MappedFile> open(const std::string& path);

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  const std::string& path() const { return path_; }
  const FileIdentity& identity() const { return identity_; }

  // A hint on the pages that `part` of bytes() lies in; one that the system does not take is no error.
  void advise(Advice advice, std::span<const std::byte> part) const noexcept;
  void advise(Advice advice) const noexcept { advise(advice, bytes()); }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::string path_;
  FileIdentity identity_;
};

}  // namespace lathe
