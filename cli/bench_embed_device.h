// `lathe bench embed --device vulkan`: an encoder's texts on a device.
#pragma once

#include <vector>

#include "run/bench_embed_device.h"

namespace lathe::cli {

// Opens the model and prints what was measured, as text or as JSON.
Status bench_embed_device(const run::EmbedderOptions& options, const std::vector<run::Scenario>& scenarios,
                          const run::DeviceEmbedOptions& bench, bool json);

}  // namespace lathe::cli
