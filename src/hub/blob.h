// The bytes of one file into the cache: what is there already is kept, what is new is verified before it gets its name.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "hub/cache.h"
#include "hub/remote.h"

namespace lathe::hub {

enum class Phase : uint8_t { downloading, verifying, waiting };  // for another process that downloads the same

// `at` bytes of the file are there.
using OnBlob = std::function<void(Phase phase, int64_t at)>;

// Sees to it that the snapshot has the file, by downloading it where its contents are not in the cache. Returns how
// many bytes came over the network.
Result<int64_t> fetch_file(Remote& remote, const CacheFolder& cache, const std::string& commit, const RemoteFile& file,
                           const OnBlob& on_blob);

}  // namespace lathe::hub
