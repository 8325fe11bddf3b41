#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace lathe {
namespace {

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

Status refused(const std::string& path, const char* what, int error) {
  return io_error(path + ": cannot " + what + ": " + std::strerror(error));
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// No other writer's, be it another thread or another process. One left by a killed process of our number is removed.
std::string temporary_name(const std::string& target) {
  static std::atomic<unsigned> counter{0};
  const std::string name = target + "." + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp";
  ::unlink(name.c_str());
  return name;
}

// Blocks of the disk, before they are written; the file stays as long as it is.
int reserve([[maybe_unused]] int fd, [[maybe_unused]] int64_t bytes) {
#if defined(__linux__)
  return ::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, bytes);
#else
  return 0;
#endif
}

bool write_pieces(int fd, std::span<const std::string_view> pieces) {
  for (const std::string_view piece : pieces)
    if (!write_all(fd, piece)) return false;
  return true;
}

Status write_in_place(const std::string& path, std::span<const std::string_view> pieces) {
  const File file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.fd() < 0 || !write_pieces(file.fd(), pieces)) return refused(path, "be written", errno);
  return {};
}

}  // namespace

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

std::string resolved_link(const std::string& path) {
  char* real = ::realpath(path.c_str(), nullptr);
  if (!real) return path;
  std::string target = real;
  std::free(real);
  return target;
}

Status write_file(const std::string& path, std::string_view bytes) { return write_file(path, std::span(&bytes, 1)); }

Status write_file(const std::string& path, std::span<const std::string_view> pieces) {
  struct stat info;
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    if (S_ISDIR(info.st_mode)) return io_error(path + ": is a folder, needed: a file name");
    return write_in_place(path, pieces);
  }
  auto file = AtomicFile::create(path);
  if (!file) return file.status();
  for (const std::string_view piece : pieces)
    if (Status status = file->write(piece); !status.ok()) return status;
  return file->commit();
}

Result<AtomicFile> AtomicFile::create(const std::string& path, int64_t bytes) {
  struct stat info;
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return io_error(path + ": is " + (S_ISDIR(info.st_mode) ? "a folder" : "a device or a pipe") +
                    ", needed: a file name");
  std::string target = resolved_link(path), temporary = temporary_name(target);
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return refused(path, "be created", errno);
  AtomicFile file(path, std::move(target), std::move(temporary), fd);
  // A file system that cannot reserve says so, and the disk shows itself later.
  if (bytes > 0 && reserve(fd, bytes) != 0 && (errno == ENOSPC || errno == EFBIG))
    return refused(path, "be written", errno);
  return file;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      fd_(std::exchange(other.fd_, -1)) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(target_, other.target_);
  std::swap(temporary_, other.temporary_);
  std::swap(fd_, other.fd_);
  return *this;
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

Status AtomicFile::write(std::string_view bytes) {
  return write_all(fd_, bytes) ? Status() : refused(path_, "be written", errno);
}

Status AtomicFile::commit() {
  if (::fsync(fd_) != 0 || ::rename(temporary_.c_str(), target_.c_str()) != 0)
    return refused(path_, "be written", errno);
  ::close(std::exchange(fd_, -1));
  const File folder(::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd() >= 0) ::fsync(folder.fd());  // the name survives a power cut too, where the file system allows it
  return {};
}

Result<std::string> read_file(const std::string& path, int64_t limit) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) {
    if (errno == ENOENT) return not_found(path + ": there is no such file");
    return refused(path, "be opened", errno);
  }
  std::string text;
  std::array<char, 65536> part;
  for (;;) {
    const ssize_t got = ::read(file.fd(), part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refused(path, "be read", errno);
    if (got == 0) return text;
    text.append(part.data(), static_cast<size_t>(got));
    if (static_cast<int64_t>(text.size()) > limit)
      return invalid_argument(path + ": is longer than the " + std::to_string(limit) + " bytes allowed");
  }
}

}  // namespace lathe
