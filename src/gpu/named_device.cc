#include "gpu/named_device.h"

#include <charconv>

#include "base/sha256.h"
#include "gpu/pipeline_file.h"

namespace lathe::gpu {
namespace {

std::string sum_of(std::span<const std::byte> bytes) {
  return sha256_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

Result<int64_t> parse_device_name(std::string_view name) {
  constexpr std::string_view kPrefix = "vulkan:";
  if (name == "vulkan") return int64_t{0};
  if (name.starts_with(kPrefix)) {
    int64_t index = 0;
    const char* last = name.data() + name.size();
    const auto [end, error] = std::from_chars(name.data() + kPrefix.size(), last, index);
    if (error == std::errc() && end == last && index >= 0) return index;
  }
  return invalid_argument("the device is '" + std::string(name) + "', needed: vulkan or vulkan:N");
}

Result<NamedDevice> NamedDevice::open(std::string_view name, const NamedDeviceOptions& options) {
  const auto index = parse_device_name(name);
  if (!index) return index.status();
  auto instance = Instance::create({.validation = options.validation});
  if (!instance) return instance.status();
  NamedDevice opened;
  opened.instance_ = std::move(*instance);
  const auto& infos = opened.instance_->devices();
  std::vector<std::byte> bytes;
  if (!options.pipeline_folder.empty() && *index < static_cast<int64_t>(infos.size())) {
    opened.path_ = pipeline_file_path(options.pipeline_folder, infos[static_cast<size_t>(*index)]);
    auto kept = read_pipeline_file(opened.path_);
    if (kept)
      bytes = std::move(*kept);
    else if (kept.status().code() != Code::not_found)
      opened.refusal_ = kept.status().message();
  }
  auto device = opened.instance_->open(*index, {.memory_budget = options.memory_budget, .pipeline_cache = bytes});
  if (!device) return device.status();
  opened.device_ = std::move(*device);
  if (const std::string& why = opened.device_->pipeline_cache_refusal(); !why.empty())
    opened.refusal_ = opened.path_ + ": " + why;
  else if (!bytes.empty())
    opened.kept_ = sum_of(bytes);
  return opened;
}

Status NamedDevice::keep_pipelines() {
  if (path_.empty()) return {};
  const auto bytes = device_->pipeline_cache();
  if (!bytes) return bytes.status();
  if (bytes->empty()) return {};
  const std::string sum = sum_of(*bytes);
  if (sum == kept_) return {};
  if (Status s = write_pipeline_file(path_, *bytes); !s.ok()) return s;
  kept_ = sum;
  return {};
}

}  // namespace lathe::gpu
