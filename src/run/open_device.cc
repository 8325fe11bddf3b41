#include "run/open_device.h"

#include "gpu/named_device.h"

namespace lathe::run {

Result<std::shared_ptr<gpu::Device>> open_device(int64_t index, const std::string& pipelines,
                                                 const std::function<void(const std::string&)>& warn) {
  auto opened = gpu::NamedDevice::open("vulkan:" + std::to_string(index), {.pipeline_folder = pipelines});
  if (!opened) return opened.status();
  if (warn && !opened->pipeline_refusal().empty()) warn(opened->pipeline_refusal() + "; pipelines are compiled again");
  // What cannot be kept is compiled again by the next start.
  const auto keep = [](gpu::NamedDevice* device) {
    [[maybe_unused]] const Status kept = device->keep_pipelines();
    delete device;
  };
  const std::shared_ptr<gpu::NamedDevice> named(new gpu::NamedDevice(std::move(*opened)), keep);
  return std::shared_ptr<gpu::Device>(named, named->device().get());
}

}  // namespace lathe::run
