# Flags shared by every target of ours, as an interface library that nobody else inherits.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
find_program(LATHE_CCACHE ccache)
if(LATHE_CCACHE)  # paths relative to the sources, so that a clone finds what another has compiled
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
                                  CCACHE_SLOPPINESS=pch_defines,time_macros
                                  ${LATHE_CCACHE})
endif()

add_library(lathe_flags INTERFACE)
target_compile_options(lathe_flags INTERFACE -Wall -Wextra -Wshadow -Wpedantic $<$<BOOL:${LATHE_WERROR}>:-Werror>)
# GCC 12 sees overlapping copies in every inlined string concatenation (GCC bug 105651, mended in 13).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(lathe_flags INTERFACE -Wno-restrict)
endif()
# One rounding per written operation, everywhere: the compiler may neither fuse a*b+c nor reassociate. Where a fused
# multiply-add is meant it is written as one, so the bits do not depend on the compiler or the instruction set.
target_compile_options(lathe_flags INTERFACE -ffp-contract=off)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(lathe_flags INTERFACE -march=x86-64-v2 -mtune=generic)
endif()
if(LATHE_SANITIZE)
  target_compile_options(lathe_flags INTERFACE -fsanitize=${LATHE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(lathe_flags INTERFACE -fsanitize=${LATHE_SANITIZE})
endif()
