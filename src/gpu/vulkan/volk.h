// volk under names of lathe's own. Its global function pointers are called what the functions of Vulkan's loader are
// called: a program that links that loader beside liblathe.a would otherwise call through the pointers' bytes.
#pragma once

#include <volk_names.h>  // made by cmake/LatheVulkan.cmake: a #define for each

#include <volk.h>
