// lathe probe matmul --device vulkan
#pragma once

#include "probe_matmul.h"

namespace lathe::cli {

Status probe_device(const ProbeOptions& options);

}  // namespace lathe::cli
