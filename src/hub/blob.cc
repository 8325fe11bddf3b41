#include "hub/blob.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/shown.h"
#include "hub/digest.h"
#include "hub/file_lock.h"

namespace lathe::hub {
namespace {

// blobs/<etag>.incomplete while it grows.
class Incomplete final : public HttpSink {
 public:
  Incomplete(std::string path, const RemoteFile& file, const OnBlob& on_blob)
      : path_(std::move(path)), file_(file), on_blob_(on_blob) {}
  Incomplete(const Incomplete&) = delete;
  Incomplete& operator=(const Incomplete&) = delete;
  ~Incomplete() override {
    if (fd_ >= 0) ::close(fd_);
  }

  // What an earlier run left is gone on with, unless it is longer than the file.
  Status open() {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) return refused("be created");
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return refused("be read");
    at_ = began_at_ = info.st_size;
    return at_ > file_.size ? restart() : Status();
  }
  Status restart() {
    if (::ftruncate(fd_, 0) != 0) return refused("be cut");
    at_ = began_at_ = 0;
    return {};
  }

  int64_t at() const { return at_; }
  bool was_resumed() const { return began_at_ > 0; }
  int64_t received() const { return received_; }

  Status begin(const HttpAnswer& answer) override {
    if (answer.status == 200) return restart();  // the server sends the whole, whatever was asked for
    const std::string range = answer.header("content-range");
    if (range.starts_with(fmt::format("bytes {}-", at_))) return {};
    return corrupt(
        fmt::format("{}: Content-Range is {}, needed: bytes from {} on", shown(file_.path), shown(range), at_));
  }

  Status part(std::string_view bytes) override {
    if (static_cast<int64_t>(bytes.size()) > file_.size - at_)
      return corrupt(fmt::format("{}: the server sends more than {} bytes, needed: as many as it said",
                                 shown(file_.path), file_.size));
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), at_);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return cannot_write(errno);
      bytes.remove_prefix(static_cast<size_t>(written));
      at_ += written;
      received_ += written;
    }
    on_blob_(Phase::downloading, at_);
    return {};
  }

  // Ok, or what is wrong with the bytes.
  Status verify() const {
    const DigestKind kind = digest_kind(file_.etag);
    if (kind == DigestKind::none) return {};
    on_blob_(Phase::verifying, at_);
    const auto digest = file_digest(fd_, file_.size, kind, path_);
    if (!digest) return digest.status();
    if (*digest == file_.etag) return {};
    return corrupt(fmt::format("{}: {} is {}, needed: {} as the server says; what came was thrown away",
                               shown(file_.path), digest_name(kind), *digest, file_.etag));
  }

  Status publish(const std::string& blob) const {
    if (::fsync(fd_) != 0) return cannot_write(errno);
    if (::rename(path_.c_str(), blob.c_str()) != 0) return refused("be renamed");
    return {};
  }
  void discard() const { ::unlink(path_.c_str()); }

 private:
  Status refused(const char* what) const {
    return io_error(fmt::format("{}: cannot {}: {}", path_, what, std::strerror(errno)));
  }
  Status cannot_write(int error) const {
    return io_error(fmt::format("{}: cannot be written: {}; {} of {} bytes are there, pull again and it goes on", path_,
                                std::strerror(error), at_, file_.size));
  }

  std::string path_;
  const RemoteFile& file_;
  const OnBlob& on_blob_;
  int fd_ = -1;
  int64_t at_ = 0, began_at_ = 0, received_ = 0;
};

// Downloads until the file has its size. Tries without progress are counted; a byte starts the count again.
Status complete(Remote& remote, const std::string& commit, const RemoteFile& file, Incomplete& incomplete) {
  for (int failures = 0; incomplete.at() < file.size;) {
    const int64_t from = incomplete.at();
    Remote::Attempt attempt = remote.download(commit, file.path, from, incomplete);
    if (!attempt.status.ok() && !attempt.again) return attempt.status;
    if (attempt.status.ok() && incomplete.at() == file.size) return {};
    if (attempt.status.ok())
      attempt.status = corrupt(
          fmt::format("{}: the server ends after {} bytes, needed: {}", shown(file.path), incomplete.at(), file.size));
    failures = incomplete.at() > from ? 1 : failures + 1;
    if (!remote.wait(failures)) return attempt.status;
  }
  return {};
}

Status download(Remote& remote, const std::string& commit, const RemoteFile& file, Incomplete& incomplete) {
  for (;;) {
    if (Status status = complete(remote, commit, file, incomplete); !status.ok()) return status;
    Status verdict = incomplete.verify();
    if (verdict.ok()) return {};
    // Bytes of an earlier run may be the wrong ones: once more from the beginning.
    if (!incomplete.was_resumed() || verdict.code() != Code::corrupt) {
      if (verdict.code() == Code::corrupt) incomplete.discard();
      return verdict;
    }
    if (Status status = incomplete.restart(); !status.ok()) return status;
  }
}

void flush_folder(const std::string& file) {
  const int fd = ::open(file.substr(0, file.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);  // the name survives a power cut too, where the file system allows it
  ::close(fd);
}

}  // namespace

Result<int64_t> fetch_file(Remote& remote, const CacheFolder& cache, const std::string& commit, const RemoteFile& file,
                           const OnBlob& on_blob) {
  const auto lock = FileLock::acquire(cache.lock(file.etag), [&] { on_blob(Phase::waiting, 0); });
  if (!lock) return lock.status();
  const std::string blob = cache.blob(file.etag);
  int64_t received = 0;
  if (CacheFolder::size_of(blob) != file.size) {
    Incomplete incomplete(cache.incomplete(file.etag), file, on_blob);
    if (Status status = incomplete.open(); !status.ok()) return status;
    on_blob(Phase::downloading, incomplete.at());
    if (Status status = download(remote, commit, file, incomplete); !status.ok()) return status;
    if (Status status = incomplete.publish(blob); !status.ok()) return status;
    flush_folder(blob);
    received = incomplete.received();
  }
  if (Status status = cache.link(commit, file.path, file.etag); !status.ok()) return status;
  return received;
}

}  // namespace lathe::hub
