#include "hub/cache.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/atomic_file.h"

namespace lathe::hub {
namespace {

namespace fs = std::filesystem;

// Of the standard for folders that backups may leave out; the first line is its signature.
constexpr std::string_view kTag =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This file is a cache directory tag.\n"
    "# For information about cache directory tags, see:\n"
    "#\thttps://bford.info/cachedir/\n";

Status make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) return {};
  return io_error(path + ": the folder cannot be made: " + error.message());
}

}  // namespace

Result<CacheFolder> CacheFolder::open(const std::string& cache, const std::string& folder) {
  CacheFolder made(cache + "/" + folder, cache + "/.locks/" + folder);
  for (const std::string& path : {made.root_ + "/blobs", made.root_ + "/refs", made.root_ + "/snapshots", made.locks_})
    if (Status status = make_folder(path); !status.ok()) return status;
  if (const std::string tag = cache + "/CACHEDIR.TAG"; !size_of(tag))
    if (Status status = write_file(tag, kTag); !status.ok()) return status;
  return made;
}

bool CacheFolder::has(const std::string& commit, const std::string& path) const {
  return size_of(snapshot(commit) + "/" + path).has_value();
}

std::optional<int64_t> CacheFolder::size_of(const std::string& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return info.st_size;
}

Status CacheFolder::link(const std::string& commit, const std::string& path, const std::string& etag) const {
  const std::string at = snapshot(commit) + "/" + path;
  if (Status status = make_folder(fs::path(at).parent_path()); !status.ok()) return status;
  std::string target = "../../";
  for (const char c : path)
    if (c == '/') target += "../";
  target += "blobs/" + etag;
  // Beside it, then over it: a reader finds the old link or the new one.
  const std::string temporary = fmt::format("{}.{}.tmp", at, ::getpid());
  ::unlink(temporary.c_str());
  if (::symlink(target.c_str(), temporary.c_str()) == 0 && ::rename(temporary.c_str(), at.c_str()) == 0) return {};
  const int error = errno;
  ::unlink(temporary.c_str());
  return io_error(at + ": cannot become a link: " + std::strerror(error));
}

Status CacheFolder::remember(const std::string& revision, const std::string& commit) const {
  if (revision == commit) return {};
  const std::string ref = root_ + "/refs/" + revision;
  if (Status status = make_folder(fs::path(ref).parent_path()); !status.ok()) return status;
  return write_file(ref, commit);
}

Status CacheFolder::check_room(int64_t bytes) const {
  std::error_code error;
  const fs::space_info space = fs::space(root_, error);
  if (error || bytes <= 0 || space.available >= static_cast<uintmax_t>(bytes)) return {};
  return io_error(fmt::format(
      "{}: the disk has {:.1f} MB left, needed: {:.1f} MB; make room, or put the cache elsewhere with HF_HOME", root_,
      static_cast<double>(space.available) * 1e-6, static_cast<double>(bytes) * 1e-6));
}

}  // namespace lathe::hub
