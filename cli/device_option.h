// --device: where to compute.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "cache_path.h"
#include "lathe/status.h"
#include "plan_path.h"

namespace lathe::cli {

CLI::Option* add_device_option(CLI::App& command, std::string& device);

// Nothing for cpu; the index for vulkan:N, 0 for vulkan.
Result<std::optional<int64_t>> parse_device(const std::string& text);

// What --device says to the options of a model's run, with what was compiled and measured there before.
template <class ModelOptions>
Status set_device(const std::string& device, ModelOptions& options) {
  const auto index = parse_device(device);
  if (!index) return index.status();
  options.device = *index;
  options.pipelines = default_pipeline_folder();
  options.measured = measured_rows(default_plan_path());
  return {};
}

}  // namespace lathe::cli
