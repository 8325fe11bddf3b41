// A device by its number.
#pragma once

#include <cstdint>
#include <memory>

#include "gpu/device.h"

namespace lathe::run {

// Number `index` of those that Vulkan finds. An error says which there are.
Result<std::shared_ptr<gpu::Device>> open_device(int64_t index);

}  // namespace lathe::run
