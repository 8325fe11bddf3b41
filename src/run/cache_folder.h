// The folder in which packed weights and the hashes of their sources are kept. Any number of processes use it at once:
// files appear by renaming, and a file that somebody has mapped stays whole when it is removed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lathe/status.h"

namespace lathe::run {

class CacheFolder {
 public:
  static constexpr const char* kPackedSuffix = ".packed";
  static constexpr const char* kSourceSuffix = ".source";

  struct Entry {
    std::string path, model{}, stored{};
    int64_t bytes = 0;
    int64_t last_used_ns = 0;  // since 1970
    Status status{};           // why it is of no use, where it is not
  };

  // Nothing is looked at or made yet.
  explicit CacheFolder(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string packed_path(const std::string& key) const { return path_ + "/" + key + kPackedSuffix; }
  // A name that no other thread or process uses.
  std::string temporary_path() const;
  Status create() const;

  std::vector<Entry> list() const;  // the last used first
  // Removes packed weights, hashes and what crashes left. Gives back the bytes of packed weights.
  Result<int64_t> clear() const;

  // Notes that the file was used now.
  static void touch(const std::string& path);
  // Removes the longest unused files until the rest has at most `most` bytes; `kept` stays.
  void evict(int64_t most, const std::string& kept) const;
  // Removes temporary files that nobody has written to for an hour, and hashes of sources that are gone.
  void sweep() const;

  // 16 GiB or a tenth of the disk, whichever is less.
  int64_t default_most() const;

 private:
  std::string path_;
};

}  // namespace lathe::run
