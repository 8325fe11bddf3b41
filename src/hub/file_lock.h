// One process at a time, by flock: the system lets go of it when the holder ends, however that happens.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "lathe/status.h"

namespace lathe::hub {

class FileLock {
 public:
  // Creates `path` where it is not there and waits until nobody else holds it. `waiting` is called once before the
  // first wait.
  static Result<FileLock> acquire(const std::string& path, const std::function<void()>& waiting = {});

  FileLock(FileLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~FileLock();

 private:
  explicit FileLock(int file) : file_(file) {}
  int file_;
};

}  // namespace lathe::hub
