#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/sha256.h"
#include "formats/checkpoint_manifest.h"
#include "platform/mapped_file.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifest = "manifest.json";
constexpr const char* kMarker = "COMPLETE";
constexpr const char* kUnfinished = ".unfinished";  // what the folder is called on the way
constexpr int64_t kMostManifest = 4 << 20;

// Removes the folder it is for, unless it got its name.
class Unfinished {
 public:
  explicit Unfinished(std::string path) : path_(std::move(path)) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    std::error_code error;
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  void keep() { path_.clear(); }

 private:
  std::string path_;
};

// The names in a folder survive a power cut, where the file system allows it.
void flush_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

std::string parent_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

Result<ManifestEntry> hashed(const std::string& folder, const std::string& name) {
  const auto file = MappedFile::open(folder + "/" + name);
  if (!file) return file.status();
  file->advise(MappedFile::Advice::sequential);
  return ManifestEntry{name, static_cast<int64_t>(file->bytes().size()), sha256_hex(file->text())};
}

// Files of the folder and of the folders in it.
Result<std::vector<ManifestEntry>> hash_all(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->is_directory(error)) {
      flush_folder(at->path().string());
    } else {
      names.push_back(at->path().lexically_relative(folder).string());
    }
  if (error) return io_error(folder + ": cannot be read: " + error.message());
  std::ranges::sort(names);
  std::vector<ManifestEntry> entries;
  for (const std::string& name : names) {
    auto entry = hashed(folder, name);
    if (!entry) return entry.status();
    entries.push_back(std::move(*entry));
  }
  return entries;
}

// Gives the folder its name; what had it before goes once that is done.
Status name_folder(const std::string& unfinished, const std::string& path) {
  const std::string old = path + ".old" + kUnfinished;
  std::error_code error;
  fs::remove_all(old, error);
  if (fs::exists(path, error) && ::rename(path.c_str(), old.c_str()) != 0)
    return io_error(path + ": cannot be replaced: " + std::strerror(errno));
  if (::rename(unfinished.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    if (fs::exists(old, error)) ::rename(old.c_str(), path.c_str());
    return io_error(path + ": cannot be renamed: " + std::strerror(reason));
  }
  flush_folder(parent_of(path));
  fs::remove_all(old, error);
  return {};
}

}  // namespace

Status write_checkpoint(const std::string& path, const std::function<Status(const std::string& folder)>& fill) {
  const std::string folder = path + kUnfinished;
  std::error_code error;
  fs::remove_all(folder, error);
  Unfinished unfinished(folder);
  if (!fs::create_directory(folder, error) || error)
    return io_error(folder + ": cannot be created: " + error.message());
  if (Status status = fill(folder); !status.ok()) return status;
  const auto entries = hash_all(folder);
  if (!entries) return entries.status();
  const std::string manifest = manifest_text(*entries);
  if (Status status = write_file(folder + "/" + kManifest, manifest); !status.ok()) return status;
  if (Status status = write_file(folder + "/" + kMarker, sha256_hex(manifest) + "\n"); !status.ok()) return status;
  flush_folder(folder);
  if (Status status = name_folder(folder, path); !status.ok()) return status;
  unfinished.keep();
  return {};
}

Status verify_checkpoint(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return not_found(path + ": there is no such folder");
  const std::string manifest_path = path + "/" + kManifest;
  const auto marker = read_file(path + "/" + kMarker, 1024);
  if (!marker)
    return corrupt(
        path + ": the checkpoint is not complete: " +
        (fs::exists(manifest_path, error) ? "its marker COMPLETE cannot be read" : "it has no manifest.json"));
  const auto manifest = read_file(manifest_path, kMostManifest);
  if (!manifest) return corrupt(path + ": the checkpoint is not complete: " + manifest.status().message());
  if (*marker != sha256_hex(*manifest) + "\n")
    return corrupt(manifest_path + ": does not have the SHA-256 that the marker COMPLETE names");
  const auto entries = parse_manifest(*manifest, manifest_path);
  if (!entries) return entries.status();
  for (const ManifestEntry& entry : *entries) {
    const std::string file = path + "/" + entry.name;
    const auto found = hashed(path, entry.name);
    if (!found) return corrupt(path + ": the checkpoint is not complete: " + found.status().message());
    if (found->bytes != entry.bytes)
      return corrupt(file + ": is " + std::to_string(found->bytes) + " bytes long, needed: the " +
                     std::to_string(entry.bytes) + " that manifest.json names");
    if (found->sha256 != entry.sha256) return corrupt(file + ": does not have the SHA-256 that manifest.json names");
  }
  return {};
}

void remove_unfinished_checkpoints(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().filename().string().ends_with(kUnfinished)) found.push_back(at->path());
  for (const fs::path& path : found) {
    // A checkpoint that was to be replaced is the only one of its name until its successor has it.
    const std::string name = path.string(), old = std::string(".old") + kUnfinished;
    if (name.ends_with(old) && !fs::exists(name.substr(0, name.size() - old.size()), error))
      fs::rename(path, name.substr(0, name.size() - old.size()), error);
    else
      fs::remove_all(path, error);
  }
}

}  // namespace lathe
