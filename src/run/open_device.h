// A device by its number.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "gpu/device.h"

namespace lathe::run {

// Number `index` of those that Vulkan finds. An error says which there are. Compiled pipelines are read from the folder
// `pipelines`, and kept there when the last user of the device has gone; empty: neither.
Result<std::shared_ptr<gpu::Device>> open_device(int64_t index, const std::string& pipelines);

}  // namespace lathe::run
