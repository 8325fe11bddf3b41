// `lathe bench generate --device vulkan`: a decoder's prompts and answers on a device.
#pragma once

#include "run/bench_device.h"

namespace lathe::cli {

// Opens the model and prints what was measured, as text or as JSON.
Status bench_generate_device(const run::GeneratorOptions& generator, const run::DeviceBenchOptions& options, bool json);

}  // namespace lathe::cli
