// The cache that huggingface_hub keeps, written: for a model the folder models--org--name with
//   blobs/<etag>                    contents
//   snapshots/<commit>/<path>       relative links to them
//   refs/<revision>                 the commit that a branch or tag was at
// and .locks/models--org--name/<etag>.lock beside it. Contents that are not whole are blobs/<etag>.incomplete.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lathe/status.h"

namespace lathe::hub {

class CacheFolder {
 public:
  // `cache` is made where it is not there; `folder` is hub_folder() of the model's name.
  static Result<CacheFolder> open(const std::string& cache, const std::string& folder);

  std::string blob(const std::string& etag) const { return root_ + "/blobs/" + etag; }
  std::string incomplete(const std::string& etag) const { return blob(etag) + ".incomplete"; }
  std::string lock(const std::string& etag) const { return locks_ + "/" + etag + ".lock"; }
  std::string snapshot(const std::string& commit) const { return root_ + "/snapshots/" + commit; }

  // Whether the snapshot has `path`, whole.
  bool has(const std::string& commit, const std::string& path) const;
  // The size of a file; nothing where there is none.
  static std::optional<int64_t> size_of(const std::string& file);

  // Makes snapshots/<commit>/<path> lead to the blob.
  Status link(const std::string& commit, const std::string& path, const std::string& etag) const;
  // Writes refs/<revision>, where that is not the commit itself.
  Status remember(const std::string& revision, const std::string& commit) const;
  // An error where the disk has no room for `bytes` more.
  Status check_room(int64_t bytes) const;

 private:
  CacheFolder(std::string root, std::string locks) : root_(std::move(root)), locks_(std::move(locks)) {}
  std::string root_, locks_;
};

}  // namespace lathe::hub
