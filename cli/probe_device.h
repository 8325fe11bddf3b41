// lathe probe matmul --device vulkan
#pragma once

#include <cstdint>

#include "probe_matmul.h"

namespace lathe::cli {

Status probe_device(const ProbeOptions& options, int64_t device);

}  // namespace lathe::cli
