#include "line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lathe::cli {

Result<bool> LineReader::fill() {
  ssize_t got;
  do {
    got = ::read(fd_, buffer_.data(), buffer_.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) return io_error("cannot read " + name_ + ": " + std::strerror(errno));
  at_ = 0;
  end_ = static_cast<size_t>(got);
  return got > 0;
}

void LineReader::take(std::string& line, size_t count) {
  if (line.size() + count > kLongestLine) too_long_ = true;
  if (!too_long_) line.append(buffer_.data() + at_, count);
  at_ += count;
  bytes_ += static_cast<int64_t>(count);
}

Result<bool> LineReader::next(std::string& line) {
  line.clear();
  too_long_ = false;
  const int64_t before = bytes_;
  for (;;) {
    if (at_ == end_) {
      const auto more = fill();
      if (!more) return more;
      if (!*more) return bytes_ > before;  // a last line without an end
    }
    const void* found = std::memchr(buffer_.data() + at_, '\n', end_ - at_);
    const size_t count =
        found ? static_cast<size_t>(static_cast<const char*>(found) - buffer_.data()) - at_ : end_ - at_;
    take(line, count);
    if (!found) continue;
    ++at_;
    ++bytes_;
    if (line.ends_with('\r')) line.pop_back();
    return true;
  }
}

bool LineReader::is_ready() const {
  if (at_ != end_ && std::memchr(buffer_.data() + at_, '\n', end_ - at_) != nullptr) return true;
  pollfd waiting{fd_, POLLIN, 0};
  return ::poll(&waiting, 1, 0) > 0;
}

}  // namespace lathe::cli
