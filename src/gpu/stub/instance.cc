#include "gpu/instance.h"

namespace lathe::gpu {

Result<std::shared_ptr<Instance>> Instance::create(const InstanceOptions&) {
  return unsupported(
      "this lathe was built without Vulkan, needed: a build with its headers, volk and glslc "
      "(libvulkan-dev, libvulkan-volk-dev, glslc)");
}

}  // namespace lathe::gpu
