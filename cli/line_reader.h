// Lines of a file or a pipe, read as they come and never kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lathe/status.h"

namespace lathe::cli {

class LineReader {
 public:
  // A longer line is read over; what text it has is not kept.
  static constexpr size_t kLongestLine = size_t{64} << 20;

  // `name` is for errors. `fd` stays the caller's.
  LineReader(int fd, std::string name) : fd_(fd), name_(std::move(name)), buffer_(65536) {}

  // The next line without what ends it; false behind the last. A line longer than allowed has is_too_long().
  Result<bool> next(std::string& line);
  bool is_too_long() const { return too_long_; }

  // Whether there is something to read without waiting for it.
  bool is_ready() const;
  int64_t bytes() const { return bytes_; }  // of the lines given so far

 private:
  Result<bool> fill();
  void take(std::string& line, size_t count);

  int fd_;
  std::string name_;
  std::vector<char> buffer_;
  size_t at_ = 0, end_ = 0;
  int64_t bytes_ = 0;
  bool too_long_ = false;
};

}  // namespace lathe::cli
