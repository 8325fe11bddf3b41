#include "device_option.h"

#include <charconv>

namespace lathe::cli {

CLI::Option* add_device_option(CLI::App& command, std::string& device) {
  return command.add_option("--device", device, "cpu, vulkan, or vulkan:N as `lathe inspect devices` lists them")
      ->type_name("NAME")
      ->capture_default_str();
}

Result<std::optional<int64_t>> parse_device(const std::string& text) {
  if (text == "cpu") return std::optional<int64_t>();
  if (text == "vulkan") return std::optional<int64_t>(0);
  constexpr std::string_view kPrefix = "vulkan:";
  if (text.starts_with(kPrefix)) {
    int64_t index = 0;
    const char* first = text.data() + kPrefix.size();
    const auto [end, error] = std::from_chars(first, text.data() + text.size(), index);
    if (error == std::errc() && end == text.data() + text.size() && end != first && index >= 0)
      return std::optional<int64_t>(index);
  }
  return invalid_argument("--device is '" + text + "', needed: cpu, vulkan or vulkan:N");
}

}  // namespace lathe::cli
