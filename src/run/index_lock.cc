#include "run/index_lock.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

// Whether `path` still leads to the file that `fd` has locked: its last holder removes it before letting go.
bool is_current(int fd, const std::string& path) {
  struct stat held, named;
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

// "INDEX.<process>-<number>.tmp", as write_file calls them.
void remove_leftovers(const fs::path& index) {
  std::error_code error;
  const fs::path folder = index.has_parent_path() ? index.parent_path() : ".";
  const std::string begin = index.filename().string() + ".";
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(begin) || !name.ends_with(".tmp")) continue;
    const std::string between = name.substr(begin.size(), name.size() - begin.size() - 4);
    if (between.find('-') != std::string::npos && between.find_first_not_of("0123456789-") == std::string::npos)
      fs::remove(entry.path(), error);
  }
}

}  // namespace

Result<IndexLock> IndexLock::take(const std::string& index) {
  const std::string path = index + ".lock";
  for (;;) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return io_error(path + ": cannot be created: " + std::strerror(errno));
    IndexLock lock(fd, path);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      lock.path_.clear();  // not ours to remove
      if (error == EINTR) continue;
      if (error != EWOULDBLOCK) return io_error(path + ": cannot be locked: " + std::strerror(error));
      return failed(index + ": another process is writing it (" + path + " is locked)");
    }
    if (!is_current(fd, path)) {
      lock.path_.clear();
      continue;
    }
    remove_leftovers(index);
    return lock;
  }
}

IndexLock::~IndexLock() {
  if (fd_ < 0) return;
  if (!path_.empty()) ::unlink(path_.c_str());
  ::close(fd_);
}

}  // namespace lathe::run
