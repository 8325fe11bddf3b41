#include "run/cache_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <filesystem>

#include "formats/packed_file.h"
#include "platform/mapped_file.h"
#include "run/source_hash.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTemporarySuffix = ".tmp";
constexpr int64_t kStaleSeconds = 3600;  // the largest models take minutes to write

struct File {
  std::string path;
  int64_t bytes = 0, modified_ns = 0;
};

// Of the folder itself, with this end of their names. A file that another process removes meanwhile is left out.
std::vector<File> files_with(const std::string& folder, std::string_view suffix) {
  std::vector<File> files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string path = at->path();
    if (!path.ends_with(suffix)) continue;
    const auto found = identify(path);
    if (found) files.push_back({path, found->size, found->modified_ns});
  }
  return files;
}

}  // namespace

std::string CacheFolder::temporary_path() const {
  static std::atomic<unsigned> counter{0};
  const std::string path =
      path_ + "/" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + kTemporarySuffix;
  ::unlink(path.c_str());  // left by a killed process that had our number
  return path;
}

Status CacheFolder::create() const {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) return io_error(path_ + ": cannot be created: " + error.message());
  return {};
}

std::vector<CacheFolder::Entry> CacheFolder::list() const {
  std::vector<Entry> entries;
  for (const File& file : files_with(path_, kPackedSuffix)) {
    Entry entry{.path = file.path, .bytes = file.bytes, .last_used_ns = file.modified_ns};
    if (const auto packed = PackedFile::open(file.path, "")) {
      entry.model = packed->info().model;
      entry.stored = packed->info().stored;
    } else {
      entry.status = packed.status();
    }
    entries.push_back(std::move(entry));
  }
  std::ranges::sort(entries, std::ranges::greater(), &Entry::last_used_ns);
  return entries;
}

Result<int64_t> CacheFolder::clear() const {
  int64_t bytes = 0;
  for (const char* suffix : {kPackedSuffix, kSourceSuffix, kTemporarySuffix})
    for (const File& file : files_with(path_, suffix)) {
      std::error_code error;
      fs::remove(file.path, error);
      if (error) return io_error(file.path + ": cannot be removed: " + error.message());
      if (suffix == kPackedSuffix) bytes += file.bytes;
    }
  return bytes;
}

void CacheFolder::touch(const std::string& path) {
  (void)::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);  // on a read-only disk nothing is evicted either
}

void CacheFolder::evict(int64_t most, const std::string& kept) const {
  auto files = files_with(path_, kPackedSuffix);
  std::ranges::sort(files, {}, &File::modified_ns);
  int64_t all = 0;
  for (const File& file : files) all += file.bytes;
  for (const File& file : files) {
    if (all <= most) return;
    if (file.path == kept) continue;
    if (::unlink(file.path.c_str()) == 0) all -= file.bytes;
  }
}

void CacheFolder::sweep() const {
  const int64_t stale = (static_cast<int64_t>(std::time(nullptr)) - kStaleSeconds) * 1'000'000'000;
  for (const File& file : files_with(path_, kTemporarySuffix))
    if (file.modified_ns < stale) ::unlink(file.path.c_str());
  for (const File& file : files_with(path_, kSourceSuffix))
    if (!source_is_there(file.path)) ::unlink(file.path.c_str());
}

int64_t CacheFolder::default_most() const {
  constexpr int64_t kMost = int64_t{16} << 30;
  struct statvfs disk;
  if (::statvfs(path_.c_str(), &disk) != 0) return kMost;
  const double tenth = static_cast<double>(disk.f_blocks) * static_cast<double>(disk.f_frsize) / 10;
  return static_cast<int64_t>(std::min(tenth, static_cast<double>(kMost)));
}

}  // namespace lathe::run
