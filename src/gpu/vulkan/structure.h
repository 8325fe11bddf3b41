// A structure of Vulkan's: its type, what is chained to it, and zeros.
#pragma once

#include "gpu/vulkan/volk.h"

namespace lathe::gpu {

template <class T>
T structure(VkStructureType type, const void* next = nullptr) {
  T made{};
  made.sType = type;
  made.pNext = const_cast<void*>(next);
  return made;
}

}  // namespace lathe::gpu
