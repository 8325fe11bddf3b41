// One writer of an index at a time: a lock on INDEX.lock, which is there only while somebody holds it.
#pragma once

#include <string>
#include <utility>

#include "lathe/status.h"

namespace lathe::run {

class IndexLock {
 public:
  // An error where another process holds it. A lock file that a killed process left is taken over, and what it had
  // half written beside the index is removed.
  static Result<IndexLock> take(const std::string& index);

  IndexLock(IndexLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  IndexLock& operator=(IndexLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    return *this;
  }
  ~IndexLock();

 private:
  IndexLock(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  std::string path_;
};

}  // namespace lathe::run
