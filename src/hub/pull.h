// A model's files from a Hugging Face server into the local cache, where resolve_model and the Python tools find them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/blob.h"
#include "hub/remote.h"

namespace lathe::hub {

struct PullOptions {
  RemoteOptions remote{};
  std::string cache{};               // the folder of models--organisation--name
  std::vector<std::string> files{};  // patterns; none: what choose_files() says
};

struct PullProgress {
  Phase phase = Phase::downloading;
  std::string_view file;
  int64_t at = 0, total = 0;  // bytes of all files; those that are in the cache count
};
using OnProgress = std::function<void(const PullProgress&)>;

struct Pulled {
  std::string snapshot;  // the folder of the files
  std::string commit;
  std::vector<std::string> files;
  int64_t bytes = 0;     // of the files
  int64_t received = 0;  // over the network
};

// The revision points to its commit only once every file is there. What was interrupted goes on where it stopped. Any
// number of processes may pull at once.
Result<Pulled> pull(const PullOptions& options, const OnProgress& on_progress);

}  // namespace lathe::hub
