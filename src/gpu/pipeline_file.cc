#include "gpu/pipeline_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "base/atomic_file.h"
#include "base/sha256.h"
#include "platform/mapped_file.h"

namespace lathe::gpu {
namespace {

constexpr std::string_view kMagic = "lathe-pipelines 1 ";
constexpr size_t kHead = kMagic.size() + 64 + 1;
constexpr std::string_view kSuffix = ".pipelines";

// The files of a folder whose names are those of files of pipelines, or of one that was being written.
std::vector<std::string> names_in(const std::string& folder, bool unfinished) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string path = at->path();
    const bool is_unfinished = path.ends_with(".tmp") && path.find(std::string(kSuffix) + ".") != std::string::npos;
    if (unfinished ? is_unfinished : path.ends_with(kSuffix)) names.push_back(path);
  }
  return names;
}

std::string head_of(std::string_view bytes) { return std::string(kMagic) + sha256_hex(bytes) + "\n"; }

}  // namespace

std::string pipeline_file_path(const std::string& folder, const DeviceInfo& info) {
  // The number and the text: either alone is the same for two builds of some drivers.
  const std::string version = sha256_hex(info.driver + "\n" + info.driver_version).substr(0, 8);
  return fmt::format("{}/vulkan-{}-{:08x}-{}{}", folder, info.uuid, info.driver_number, version, kSuffix);
}

Result<std::vector<std::byte>> read_pipeline_file(const std::string& path) {
  const auto text = read_file(path, kMostPipelineBytes);
  if (!text) return text.status();
  if (text->size() < kHead || !text->starts_with(kMagic))
    return corrupt(path + ": is no file of pipelines, needed: one that begins with '" + std::string(kMagic) + "'");
  const std::string_view bytes = std::string_view(*text).substr(kHead);
  if (std::string_view(*text).substr(0, kHead) != head_of(bytes))
    return corrupt(path + ": its content does not match its SHA-256, it was damaged");
  std::vector<std::byte> data(bytes.size());
  if (!bytes.empty()) std::memcpy(data.data(), bytes.data(), bytes.size());
  return data;
}

std::vector<KeptPipelines> list_pipeline_files(const std::string& folder) {
  std::vector<KeptPipelines> files;
  for (const std::string& path : names_in(folder, false))
    if (const auto found = identify(path))  // or another process has removed it meanwhile
      files.push_back({path, found->size, found->modified_ns, read_pipeline_file(path).status()});
  std::ranges::sort(files, std::ranges::greater(), &KeptPipelines::written_ns);
  return files;
}

Result<int64_t> clear_pipeline_files(const std::string& folder) {
  int64_t bytes = 0;
  for (const bool unfinished : {false, true})
    for (const std::string& path : names_in(folder, unfinished)) {
      const auto found = identify(path);
      std::error_code error;
      std::filesystem::remove(path, error);
      if (error) return io_error(path + ": cannot be removed: " + error.message());
      if (found && !unfinished) bytes += found->size;
    }
  return bytes;
}

Status write_pipeline_file(const std::string& path, std::span<const std::byte> bytes) {
  if (static_cast<int64_t>(bytes.size() + kHead) > kMostPipelineBytes)
    return invalid_argument(
        fmt::format("{}: {} bytes of pipelines, needed: {} at most", path, bytes.size(), kMostPipelineBytes));
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return io_error(folder.string() + ": cannot be made: " + error.message());
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string head = head_of(text);
  const std::array<std::string_view, 2> pieces = {head, text};
  return write_file(path, pieces);
}

}  // namespace lathe::gpu
