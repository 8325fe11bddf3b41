#include "gpu/instance.h"

#include <algorithm>
#include <cstring>

#include "gpu/vulkan/instance_handle.h"
#include "gpu/vulkan/open_device.h"
#include "gpu/vulkan/physical_device.h"
#include "gpu/vulkan/result.h"
#include "gpu/vulkan/structure.h"
#include "gpu/vulkan/volk.h"

namespace lathe::gpu {

InstanceHandle::~InstanceHandle() {
  if (messenger != VK_NULL_HANDLE) vkDestroyDebugUtilsMessengerEXT(instance, messenger, nullptr);
  if (instance != VK_NULL_HANDLE) vkDestroyInstance(instance, nullptr);
}

void InstanceHandle::add_message(std::string text) {
  const std::lock_guard lock(mutex_);
  messages_.push_back(std::move(text));
}

std::vector<std::string> InstanceHandle::messages() const {
  const std::lock_guard lock(mutex_);
  return messages_;
}

namespace {

constexpr const char* kWhere = "Vulkan";
constexpr const char* kValidation = "VK_LAYER_KHRONOS_validation";

VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                          const VkDebugUtilsMessengerCallbackDataEXT* data, void* handle) {
  static_cast<InstanceHandle*>(handle)->add_message(data->pMessage);
  return VK_FALSE;
}

VkDebugUtilsMessengerCreateInfoEXT messenger_info(InstanceHandle* handle) {
  auto info = structure<VkDebugUtilsMessengerCreateInfoEXT>(VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT);
  info.messageSeverity =
      VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
                     VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
  info.pfnUserCallback = on_message;
  info.pUserData = handle;
  return info;
}

bool layer_installed(const char* name) {
  uint32_t count = 0;
  vkEnumerateInstanceLayerProperties(&count, nullptr);
  std::vector<VkLayerProperties> layers(count);
  vkEnumerateInstanceLayerProperties(&count, layers.data());
  return std::any_of(layers.begin(), layers.end(),
                     [&](const VkLayerProperties& layer) { return std::strcmp(layer.layerName, name) == 0; });
}

bool extension_there(const char* name) {
  uint32_t count = 0;
  vkEnumerateInstanceExtensionProperties(nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> extensions(count);
  vkEnumerateInstanceExtensionProperties(nullptr, &count, extensions.data());
  return std::any_of(extensions.begin(), extensions.end(),
                     [&](const VkExtensionProperties& e) { return std::strcmp(e.extensionName, name) == 0; });
}

class VulkanInstance final : public Instance {
 public:
  VulkanInstance(std::shared_ptr<InstanceHandle> handle, std::vector<VkPhysicalDevice> physical)
      : handle_(std::move(handle)), physical_(std::move(physical)) {
    for (const VkPhysicalDevice device : physical_)
      infos_.push_back(describe(handle_->instance, device, static_cast<int>(infos_.size())));
  }
  const std::vector<DeviceInfo>& devices() const override { return infos_; }
  std::vector<std::string> messages() const override { return handle_->messages(); }

  Result<std::shared_ptr<Device>> open(int64_t index, const DeviceOptions& options) override {
    if (infos_.empty()) return not_found("there is no Vulkan device on this machine, needed: a driver for one");
    if (index < 0 || index >= static_cast<int64_t>(infos_.size()))
      return not_found("there is no device vulkan:" + std::to_string(index) + ", needed: 0 to " +
                       std::to_string(infos_.size() - 1));
    const auto i = static_cast<size_t>(index);
    if (!infos_[i].unusable.empty()) return unsupported(device_label(infos_[i]) + " " + infos_[i].unusable);
    return open_device(handle_, physical_[i], infos_[i], options);
  }

 private:
  std::shared_ptr<InstanceHandle> handle_;
  std::vector<VkPhysicalDevice> physical_;
  std::vector<DeviceInfo> infos_;
};

Status create_handle(bool validation, InstanceHandle* handle) {
  auto application = structure<VkApplicationInfo>(VK_STRUCTURE_TYPE_APPLICATION_INFO);
  application.pApplicationName = "lathe";
  application.apiVersion = VK_API_VERSION_1_2;
  auto info = structure<VkInstanceCreateInfo>(VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
  info.pApplicationInfo = &application;
  std::vector<const char*> extensions;
  // MoltenVK, which is Vulkan all but for some of its graphics, is listed only to those who ask for such.
  if (extension_there(VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME)) {
    extensions.push_back(VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME);
    info.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
  }
  const VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info(handle);
  if (validation) {
    extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    info.enabledLayerCount = 1;
    info.ppEnabledLayerNames = &kValidation;
    info.pNext = &messenger;  // what is said of vkCreateInstance itself
  }
  info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  if (Status s = to_status(vkCreateInstance(&info, nullptr, &handle->instance), "creating an instance", kWhere);
      !s.ok())
    return s;
  volkLoadInstanceOnly(handle->instance);
  if (!validation) return {};
  return to_status(vkCreateDebugUtilsMessengerEXT(handle->instance, &messenger, nullptr, &handle->messenger),
                   "asking for the messages of the validation layers", kWhere);
}

}  // namespace

Result<std::shared_ptr<Instance>> Instance::create(const InstanceOptions& options) {
  if (volkInitialize() != VK_SUCCESS)
    return not_found("no Vulkan loader on this machine, needed: libvulkan.so.1 and a driver");
  if (vkEnumerateInstanceVersion == nullptr)
    return unsupported("the Vulkan loader of this machine is of version 1.0, needed: 1.2");
  if (options.validation && !layer_installed(kValidation))
    return unsupported(std::string("Vulkan: the layer ") + kValidation +
                       " is not installed, needed for validation (Debian: vulkan-validationlayers)");
  auto handle = std::make_shared<InstanceHandle>();
  if (Status s = create_handle(options.validation, handle.get()); !s.ok()) return s;
  uint32_t count = 0;
  VkResult result = vkEnumeratePhysicalDevices(handle->instance, &count, nullptr);
  std::vector<VkPhysicalDevice> physical(count);
  if (result == VK_SUCCESS && count > 0) result = vkEnumeratePhysicalDevices(handle->instance, &count, physical.data());
  // Without any driver some loaders fail here, and others when the instance is created: there is no device.
  if (result == VK_ERROR_INITIALIZATION_FAILED) count = 0, result = VK_SUCCESS;
  if (Status s = to_status(result, "listing the devices", kWhere); !s.ok()) return s;
  physical.resize(count);
  return std::shared_ptr<Instance>(std::make_shared<VulkanInstance>(std::move(handle), std::move(physical)));
}

}  // namespace lathe::gpu
