// SPIR-V of shaders/*.comp, by the file's name without its suffix. The build writes the definition (LatheVulkan.cmake).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace lathe::gpu {

std::span<const uint32_t> shader_code(std::string_view name);  // empty where there is none of that name

}  // namespace lathe::gpu
