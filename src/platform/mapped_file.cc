#include "platform/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "platform/files.h"

namespace lathe {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

Status refused(const std::string& path, const char* what) {
  if (errno == ENOENT || errno == ENOTDIR) return not_found(path + ": there is no such file");
  return io_error(path + ": cannot be " + what + ": " + std::strerror(errno));
}

int system_advice(MappedFile::Advice advice) {
  switch (advice) {
    case MappedFile::Advice::sequential:
      return MADV_SEQUENTIAL;
    case MappedFile::Advice::random:
      return MADV_RANDOM;
    case MappedFile::Advice::will_need:
      return MADV_WILLNEED;
    case MappedFile::Advice::dont_need:
      return MADV_DONTNEED;
  }
  return MADV_NORMAL;
}

FileIdentity identity_of(const struct stat& info) {
  return {static_cast<uint64_t>(info.st_dev), info.st_ino, info.st_size, modified_ns(info), changed_ns(info)};
}

}  // namespace

Result<FileIdentity> identify(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return refused(path, "looked at");
  return identity_of(info);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

Result<MappedFile> MappedFile::open(const std::string& path) {
  // O_NONBLOCK: a pipe without a writer must not hold us up; it is refused below.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return refused(path, "opened");
  struct stat info;
  if (::fstat(file.fd, &info) != 0) return refused(path, "looked at");
  if (!S_ISREG(info.st_mode))
    return io_error(path + ": is " + (S_ISDIR(info.st_mode) ? "a folder" : "a device or a pipe") + ", needed: a file");
  MappedFile mapped;
  mapped.path_ = path;
  mapped.identity_ = identity_of(info);
  if (info.st_size == 0) return mapped;
  const auto size = static_cast<size_t>(info.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (data == MAP_FAILED) return refused(path, "mapped");
  mapped.data_ = static_cast<const std::byte*>(data);
  mapped.size_ = size;
  return mapped;
}

void MappedFile::advise(Advice advice, std::span<const std::byte> part) const noexcept {
  if (part.empty() || part.data() < data_ || part.data() + part.size() > data_ + size_) return;
  static const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t begin = static_cast<size_t>(part.data() - data_) / page * page;
  const size_t end = static_cast<size_t>(part.data() - data_) + part.size();
  ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, system_advice(advice));
}

}  // namespace lathe
