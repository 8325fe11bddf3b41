#include "gpu/vulkan/result.h"

namespace lathe::gpu {
namespace {

const char* cause(VkResult result) {
  switch (result) {
    case VK_ERROR_DEVICE_LOST:
      return "the device was lost: a kernel ran too long or the driver failed; open it anew";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return "the device has no memory left";
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return "the host has no memory left";
    case VK_ERROR_FEATURE_NOT_PRESENT:
      return "a feature is not there";
    case VK_ERROR_EXTENSION_NOT_PRESENT:
      return "an extension is not there";
    case VK_ERROR_LAYER_NOT_PRESENT:
      return "a layer is not installed";
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return "no driver for this machine is installed";
    case VK_ERROR_INITIALIZATION_FAILED:
      return "the driver does not start";
    case VK_ERROR_TOO_MANY_OBJECTS:
      return "the driver allows no more allocations";
    case VK_TIMEOUT:
    case VK_NOT_READY:
      return "it was not ready in time";
    default:
      return nullptr;
  }
}

Code code_of(VkResult result) {
  switch (result) {
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_TOO_MANY_OBJECTS:
      return Code::out_of_memory;
    case VK_ERROR_FEATURE_NOT_PRESENT:
    case VK_ERROR_EXTENSION_NOT_PRESENT:
    case VK_ERROR_LAYER_NOT_PRESENT:
      return Code::unsupported;
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return Code::not_found;
    default:
      return Code::failed;
  }
}

}  // namespace

Status to_status(VkResult result, const std::string& what, const std::string& where) {
  if (result == VK_SUCCESS) return {};
  const std::string number = "VkResult " + std::to_string(static_cast<int>(result));
  const char* known = cause(result);
  return {code_of(result),
          where + ": " + what + ": " + (known != nullptr ? known : "the driver refused") + " (" + number + ")"};
}

}  // namespace lathe::gpu
