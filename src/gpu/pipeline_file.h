// What a driver keeps of compiling, as a file: one for each device and version of its driver.
//
//   "lathe-pipelines 1 " SHA-256 of what follows, 64 hexadecimal digits "\n" the driver's bytes
//
// The sum is there because drivers read the bytes behind their own head unchecked, and some crash over damaged ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gpu/device_info.h"
#include "lathe/status.h"

namespace lathe::gpu {

constexpr int64_t kMostPipelineBytes = int64_t{256} << 20;  // of a file; a model's pipelines take some MiB

std::string pipeline_file_path(const std::string& folder, const DeviceInfo& info);

// not_found where there is none, corrupt where it is another thing or damaged.
Result<std::vector<std::byte>> read_pipeline_file(const std::string& path);
struct KeptPipelines {
  std::string path;
  int64_t bytes = 0, written_ns = 0;  // since 1970
  Status status{};                    // why it is of no use, where it is not
};
// Those of a folder, the last written first; none where it is not there.
std::vector<KeptPipelines> list_pipeline_files(const std::string& folder);
// Removes them, and what crashes left beside them; gives back their bytes.
Result<int64_t> clear_pipeline_files(const std::string& folder);

// Whole or not at all; makes the folder.
Status write_pipeline_file(const std::string& path, std::span<const std::byte> bytes);

}  // namespace lathe::gpu
