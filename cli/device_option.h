// --device: where to compute.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "lathe/status.h"

namespace lathe::cli {

CLI::Option* add_device_option(CLI::App& command, std::string& device);

// Nothing for cpu; the index for vulkan:N, 0 for vulkan.
Result<std::optional<int64_t>> parse_device(const std::string& text);

}  // namespace lathe::cli
