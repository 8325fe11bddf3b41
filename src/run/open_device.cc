#include "run/open_device.h"

#include "gpu/instance.h"

namespace lathe::run {

Result<std::shared_ptr<gpu::Device>> open_device(int64_t index) {
  const auto instance = gpu::Instance::create();
  if (!instance) return instance.status();
  return (*instance)->open(index);
}

}  // namespace lathe::run
