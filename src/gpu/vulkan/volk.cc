// The one object that holds volk: the loader is opened at run time, and its absence is an error like another.
#define VOLK_IMPLEMENTATION
#include "gpu/vulkan/volk.h"
