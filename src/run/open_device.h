// A device by its number.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "gpu/device.h"

namespace lathe::run {

// Number `index` of those that Vulkan finds. An error says which there are. Compiled pipelines are read from the folder
// `pipelines`, and kept there when the last user of the device has gone; empty: neither.
// Where those that lie there are not taken, `warn` is told why, in a sentence.
Result<std::shared_ptr<gpu::Device>> open_device(int64_t index, const std::string& pipelines,
                                                 const std::function<void(const std::string&)>& warn = {});

}  // namespace lathe::run
