#include "output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/atomic_file.h"
#include "base/shown.h"
#include "interrupt.h"
#include "platform/files.h"

namespace lathe::cli {
namespace {

constexpr size_t kGathered = 65536;

// Whether bytes already written can be written once more.
bool can_patch(int fd) {
  struct stat info;
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (::fcntl(fd, F_GETFL) & O_APPEND) == 0;
}

}  // namespace

Status OutputFile::refused(const char* what) const {
  return io_error(std::string("cannot ") + what + " " + name_ + ": " + std::strerror(errno));
}

Result<OutputFile> OutputFile::open(const std::string& path, bool patched) {
  OutputFile file;
  file.name_ = path.empty() ? "standard output" : shown(path);
  const Status status = path.empty() ? file.open_stream(STDOUT_FILENO, patched) : file.open_named(path, patched);
  if (!status.ok()) return status;
  return file;
}

Status OutputFile::open_named(const std::string& path, bool patched) {
  struct stat info;
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    if (S_ISDIR(info.st_mode)) return io_error("cannot write " + name_ + ": it is a folder, needed: a file's name");
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return refused("write");
    owned_ = true;
    return open_stream(fd, patched);
  }
  target_ = resolved_link(path);
  temporary_ = target_ + "." + std::to_string(::getpid()) + ".tmp";
  ::unlink(temporary_.c_str());  // left by a killed process of our number
  remove_on_signals(temporary_);
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  owned_ = true;
  return fd_ < 0 ? refused("create") : Status();
}

Status OutputFile::open_stream(int fd, bool patched) {
  fd_ = fd;
  if (patched && can_patch(fd)) begin_ = ::lseek(fd, 0, SEEK_CUR);
  if (!patched || can_patch(fd)) return {};
  stream_ = fd;
  fd_ = unnamed_file();
  return fd_ < 0 ? refused("make a temporary file for") : Status();
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : name_(std::move(other.name_)),
      target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      gathered_(std::move(other.gathered_)),
      fd_(std::exchange(other.fd_, -1)),
      stream_(std::exchange(other.stream_, -1)),
      owned_(other.owned_),
      begin_(other.begin_) {}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
    remove_on_signals("");
  }
  if (fd_ >= 0 && (owned_ || stream_ >= 0)) ::close(fd_);
  if (stream_ >= 0 && owned_) ::close(stream_);
}

Status OutputFile::write(std::string_view bytes) {
  gathered_.append(bytes);
  return gathered_.size() < kGathered ? Status() : flush();
}

Status OutputFile::flush() {
  const bool written = write_all(fd_, gathered_);
  gathered_.clear();
  return written ? Status() : refused("write");
}

Status OutputFile::patch(int64_t offset, std::string_view bytes) {
  if (Status status = flush(); !status.ok()) return status;
  const auto count = static_cast<ssize_t>(bytes.size());
  return ::pwrite(fd_, bytes.data(), bytes.size(), begin_ + offset) == count ? Status() : refused("write");
}

Status OutputFile::copy_spooled() {
  std::vector<char> part(kGathered);
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(fd_, part.data(), part.size(), at);
    if (got < 0) return refused("read the temporary file for");
    if (got == 0) return {};
    if (!write_all(stream_, {part.data(), static_cast<size_t>(got)})) return refused("write");
    at += got;
  }
}

Status OutputFile::commit() {
  if (Status status = flush(); !status.ok()) return status;
  if (stream_ >= 0) return copy_spooled();
  if (temporary_.empty()) return {};
  if (::fsync(fd_) != 0 || ::rename(temporary_.c_str(), target_.c_str()) != 0) return refused("write");
  remove_on_signals("");
  temporary_.clear();
  return {};
}

}  // namespace lathe::cli
