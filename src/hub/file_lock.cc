#include "hub/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lathe::hub {
namespace {

Status refused(const std::string& path, int error) {
  return io_error(path + ": cannot be locked: " + std::strerror(error));
}

// Whether `path` still leads to the open file: a holder before us may have removed it.
bool is_at(int file, const std::string& path) {
  struct stat open {
  }, named{};
  return ::fstat(file, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

}  // namespace

Result<FileLock> FileLock::acquire(const std::string& path, const std::function<void()>& waiting) {
  bool told = false;
  for (;;) {
    FileLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0664));
    if (lock.file_ < 0) return refused(path, errno);
    if (::flock(lock.file_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) return refused(path, errno);
      if (waiting && !told) waiting();
      told = true;
      while (::flock(lock.file_, LOCK_EX) != 0)
        if (errno != EINTR) return refused(path, errno);
    }
    if (is_at(lock.file_, path)) return lock;
  }
}

FileLock::~FileLock() {
  if (file_ >= 0) ::close(file_);  // which unlocks it
}

}  // namespace lathe::hub
