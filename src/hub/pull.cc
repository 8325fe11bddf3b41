#include "hub/pull.h"

#include <utility>

#include "formats/model_files.h"
#include "hub/cache.h"
#include "hub/select.h"

namespace lathe::hub {
namespace {

class Puller {
 public:
  Puller(Remote& remote, const CacheFolder& cache, const PullOptions& options, const OnProgress& on_progress)
      : remote_(remote), cache_(cache), options_(options), on_progress_(on_progress) {}

  Result<Pulled> run(const Listing& listing) {
    pulled_.commit = listing.commit;
    pulled_.snapshot = cache_.snapshot(pulled_.commit);
    auto files = options_.files.empty()
                     ? choose_files(listing.paths, [this](const std::string& path) { return fetch_guide(path); })
                     : match_files(listing.paths, options_.files);
    if (!files) return files.status();
    pulled_.files = std::move(*files);
    if (Status status = fetch_all(); !status.ok()) return status;
    if (Status status = cache_.remember(options_.remote.revision, pulled_.commit); !status.ok()) return status;
    return std::move(pulled_);
  }

 private:
  void show(Phase phase, const std::string& file, int64_t at) const {
    if (on_progress_) on_progress_({phase, file, at, pulled_.bytes});
  }

  // A commit never changes: what its snapshot has is right.
  Result<std::string> fetch_guide(const std::string& path) {
    if (!cache_.has(pulled_.commit, path)) {
      const auto file = remote_.describe(pulled_.commit, path);
      if (!file) return file.status();
      const auto received = fetch_file(remote_, cache_, pulled_.commit, *file, [](Phase, int64_t) {});
      if (!received) return received.status();
      pulled_.received += *received;
    }
    return pulled_.snapshot + "/" + path;
  }

  Status fetch_all() {
    std::vector<RemoteFile> wanted;
    int64_t before = 0, missing = 0;
    for (const std::string& path : pulled_.files) {
      if (const auto size = CacheFolder::size_of(pulled_.snapshot + "/" + path)) {
        before += *size;
        continue;
      }
      auto file = remote_.describe(pulled_.commit, path);
      if (!file) return file.status();
      missing += file->size - CacheFolder::size_of(cache_.incomplete(file->etag)).value_or(0);
      if (CacheFolder::size_of(cache_.blob(file->etag)) == file->size) missing -= file->size;
      pulled_.bytes += file->size;
      wanted.push_back(std::move(*file));
    }
    pulled_.bytes += before;
    if (Status status = cache_.check_room(missing); !status.ok()) return status;
    for (const RemoteFile& file : wanted) {
      const auto received = fetch_file(remote_, cache_, pulled_.commit, file,
                                       [&](Phase phase, int64_t at) { show(phase, file.path, before + at); });
      if (!received) return received.status();
      pulled_.received += *received;
      before += file.size;
      show(Phase::downloading, file.path, before);
    }
    return {};
  }

  Remote& remote_;
  const CacheFolder& cache_;
  const PullOptions& options_;
  const OnProgress& on_progress_;
  Pulled pulled_;
};

}  // namespace

Result<Pulled> pull(const PullOptions& options, const OnProgress& on_progress) {
  auto remote = Remote::open(options.remote);
  if (!remote) return remote.status();
  if (options.cache.empty())
    return invalid_argument("there is no Hugging Face cache to download into, needed: HF_HOME or HOME");
  const auto listing = remote->list();  // a name that is wrong leaves no folder
  if (!listing) return listing.status();
  const auto cache = CacheFolder::open(options.cache, hub_folder(options.remote.name));
  if (!cache) return cache.status();
  return Puller(*remote, *cache, options, on_progress).run(*listing);
}

}  // namespace lathe::hub
