// A program that links Vulkan's loader by itself, and the whole of lathe's archive: its calls reach the loader.
#include <vulkan/vulkan.h>

#include <cstdio>

int main() {
  uint32_t version = 0;
  if (vkEnumerateInstanceVersion(&version) != VK_SUCCESS || version < VK_API_VERSION_1_0) return 1;
  std::printf("beside_vulkan: the loader is of version %u.%u\n", VK_API_VERSION_MAJOR(version),
              VK_API_VERSION_MINOR(version));
}
