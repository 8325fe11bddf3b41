# What nearly every file includes is parsed once per target: two thirds of the time that a file took was reading headers.
# Every file still names what it uses; the fuzzers' build goes without, and finds one that does not.
option(LATHE_PCH "Precompile the headers that most files include" ON)
if(LATHE_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fpch-preprocess)  # else ccache cannot tell what a file took from there
endif()

set(LATHE_COMMON_HEADERS <algorithm> <array> <bit> <cmath> <cstdint> <cstring> <filesystem> <functional> <limits> <map>
                         <memory> <optional> <random> <span> <string> <string_view> <utility> <variant> <vector>)

# GCC 12's false alarms inside std::string, silent in a system's header, are not where that header is precompiled.
set(LATHE_PCH_FLAGS "")
if(LATHE_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  set(LATHE_PCH_FLAGS -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
endif()

# lathe_precompile(TARGET HEADER...): those, and what most files include.
function(lathe_precompile target)
  target_compile_options(${target} PRIVATE ${LATHE_PCH_FLAGS})
  if(LATHE_PCH)
    target_precompile_headers(${target} PRIVATE ${LATHE_COMMON_HEADERS} ${ARGN})
  endif()
endfunction()
# The target takes what was precompiled for another of the same flags.
function(lathe_precompiled_by target other)
  target_compile_options(${target} PRIVATE ${LATHE_PCH_FLAGS})
  if(LATHE_PCH)
    target_precompile_headers(${target} REUSE_FROM ${other})
  endif()
endfunction()
