# The Vulkan backend, where its headers, volk's source and glslc are found; elsewhere the stub of the same header, which
# says so at run time. Shaders are compiled here and become one source of constant arrays.
option(LATHE_VULKAN "Build the Vulkan backend where its headers, volk and glslc are found" ON)
set(LATHE_HAS_VULKAN OFF)
if(LATHE_VULKAN AND NOT CMAKE_CROSSCOMPILING)
  find_path(LATHE_VULKAN_INCLUDE vulkan/vulkan_core.h)
  find_path(LATHE_VOLK_INCLUDE volk.c)
  find_program(LATHE_GLSLC glslc)
  mark_as_advanced(LATHE_VULKAN_INCLUDE LATHE_VOLK_INCLUDE LATHE_GLSLC)
  if(LATHE_VULKAN_INCLUDE AND LATHE_VOLK_INCLUDE AND LATHE_GLSLC)
    set(LATHE_HAS_VULKAN ON)
  endif()
endif()
if(LATHE_HAS_VULKAN)
  message(STATUS "Vulkan: shaders by ${LATHE_GLSLC}")
  set(LATHE_GPU_LEFT_OUT "/src/gpu/stub/")
else()
  message(STATUS "Vulkan: left out, lathe has no GPU")
  set(LATHE_GPU_LEFT_OUT "/src/gpu/vulkan/")
endif()

# A new name for each of volk's pointers and functions, whatever its version has (src/gpu/vulkan/volk.h says why).
function(lathe_rename_volk folder)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${LATHE_VOLK_INCLUDE}/volk.h)
  file(STRINGS ${LATHE_VOLK_INCLUDE}/volk.h lines REGEX "^extern PFN_vk|volk[A-Z][A-Za-z]*\\(")
  set(text "")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^extern PFN_[A-Za-z0-9]+ |\\(.*|;.*" "" name "${line}")
    string(REGEX REPLACE "^.*[ *]" "" name "${name}")
    string(APPEND text "#define ${name} lathe_${name}\n")
  endforeach()
  file(CONFIGURE OUTPUT ${folder}/volk_names.h CONTENT "${text}" @ONLY)
endfunction()

# shader_code() of src/gpu/vulkan/shader_code.h, over one included file of words for each shader.
function(lathe_compile_shaders target)
  add_executable(khr_matrices EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/tools/khr_matrices.cc)
  set(folder ${CMAKE_BINARY_DIR}/shaders)
  file(MAKE_DIRECTORY ${folder})
  file(GLOB shaders CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/gpu/shaders/*.comp)
  set(arrays "")
  set(rows "")
  set(words "")
  foreach(shader IN LISTS shaders)
    get_filename_component(name ${shader} NAME_WE)
    set(output ${folder}/${name}.inc)
    set(compile ${LATHE_GLSLC} --target-env=vulkan1.2 -O -Werror -MD -MF ${output}.d)
    file(STRINGS ${shader} matrices REGEX "GL_NV_cooperative_matrix : require")
    if(matrices)
      add_custom_command(OUTPUT ${output} DEPENDS ${shader} khr_matrices DEPFILE ${output}.d
                         COMMAND ${compile} -MT ${output} -o ${folder}/${name}.spv ${shader}
                         COMMAND khr_matrices ${folder}/${name}.spv ${output}
                         COMMENT "Compiling the shader ${name}" VERBATIM)
    else()
      add_custom_command(OUTPUT ${output} DEPENDS ${shader} DEPFILE ${output}.d
                         COMMAND ${compile} -mfmt=c -o ${output} ${shader}
                         COMMENT "Compiling the shader ${name}" VERBATIM)
    endif()
    list(APPEND words ${output})
    string(APPEND arrays "constexpr uint32_t k_${name}[] =\n#include \"${name}.inc\"\n    ;\n")
    string(APPEND rows "    {\"${name}\", k_${name}},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${folder}/shader_code.cc @ONLY CONTENT [=[
#include "gpu/vulkan/shader_code.h"

namespace lathe::gpu {
namespace {

@arrays@
struct Row {
  std::string_view name;
  std::span<const uint32_t> words;
};
constexpr Row kRows[] = {
@rows@};

}  // namespace

std::span<const uint32_t> shader_code(std::string_view name) {
  for (const Row& row : kRows)
    if (row.name == name) return row.words;
  return {};
}

}  // namespace lathe::gpu
]=])
  set_source_files_properties(${folder}/shader_code.cc PROPERTIES OBJECT_DEPENDS "${words}")
  target_sources(${target} PRIVATE ${folder}/shader_code.cc)
  lathe_rename_volk(${CMAKE_BINARY_DIR}/volk)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/gpu/vulkan/*.cc)
  set_source_files_properties(${sources} PROPERTIES INCLUDE_DIRECTORIES ${CMAKE_BINARY_DIR}/volk)
  target_include_directories(${target} SYSTEM PRIVATE ${LATHE_VULKAN_INCLUDE} ${LATHE_VOLK_INCLUDE})
endfunction()
