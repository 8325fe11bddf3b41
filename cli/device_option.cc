#include "device_option.h"

#include "gpu/named_device.h"

namespace lathe::cli {

CLI::Option* add_device_option(CLI::App& command, std::string& device) {
  return command.add_option("--device", device, "cpu, vulkan, or vulkan:N as `lathe inspect devices` lists them")
      ->type_name("NAME")
      ->capture_default_str();
}

Result<std::optional<int64_t>> parse_device(const std::string& text) {
  if (text == "cpu") return std::optional<int64_t>();
  const auto index = gpu::parse_device_name(text);
  if (!index) return invalid_argument("--device is '" + text + "', needed: cpu, vulkan or vulkan:N");
  return std::optional<int64_t>(*index);
}

}  // namespace lathe::cli
