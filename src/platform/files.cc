#include "platform/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

namespace lathe {
namespace {

int64_t ns(const timespec& t) { return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; }

const char* folder_of_unnamed() { return ::access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp"; }

}  // namespace

#if defined(__APPLE__)
int64_t modified_ns(const struct stat& info) { return ns(info.st_mtimespec); }
int64_t changed_ns(const struct stat& info) { return ns(info.st_ctimespec); }
#else
int64_t modified_ns(const struct stat& info) { return ns(info.st_mtim); }
int64_t changed_ns(const struct stat& info) { return ns(info.st_ctim); }
#endif

#if defined(__linux__)
std::string path_of_open_file(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

int unnamed_file() { return ::open(folder_of_unnamed(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); }

bool make_pipe(int (&ends)[2], bool blocking) { return ::pipe2(ends, O_CLOEXEC | (blocking ? 0 : O_NONBLOCK)) == 0; }

bool drop_cached_pages(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool dropped = fd >= 0 && ::fdatasync(fd) == 0 && ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0;
  if (fd >= 0) ::close(fd);
  return dropped;
}
#else
std::string path_of_open_file(int fd) { return "/dev/fd/" + std::to_string(fd); }

int unnamed_file() {
  std::string name = std::string(folder_of_unnamed()) + "/lathe.XXXXXX";
  const int fd = ::mkstemp(name.data());
  if (fd >= 0) ::unlink(name.c_str());
  if (fd >= 0) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
}

bool make_pipe(int (&ends)[2], bool blocking) {
  if (::pipe(ends) != 0) return false;
  for (const int end : ends) {
    ::fcntl(end, F_SETFD, FD_CLOEXEC);
    if (!blocking) ::fcntl(end, F_SETFL, O_NONBLOCK);
  }
  return true;
}

bool drop_cached_pages(const std::string&) { return false; }
#endif

}  // namespace lathe
