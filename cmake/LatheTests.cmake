# One program per `*_test.cc`, named after it (after its room too where two rooms have one of that name), discovered
# case by case. Each case carries its room as a label (`ctest -L kernels`), and tests_<room> builds the room's programs.
option(LATHE_STATIC_TESTS "Build the kernel tests as one static program, for an emulated machine" OFF)
option(LATHE_ONE_TEST_PROGRAM "Run the tests below src/ as one program in parts, not one process for each case" OFF)
if(CMAKE_CROSSCOMPILING)  # from Debian's sources: its library is for this machine
  set(BUILD_GMOCK OFF)
  set(INSTALL_GTEST OFF)
  add_subdirectory(/usr/src/googletest ${CMAKE_BINARY_DIR}/googletest EXCLUDE_FROM_ALL)
else()
  find_package(GTest REQUIRED)
endif()
include(GoogleTest)

set(LATHE_KERNEL_TEST_OBJECTS "")
file(GLOB_RECURSE LATHE_TEST_FILES CONFIGURE_DEPENDS src/*_test.cc cli/*_test.cc tests/*_test.cc)
if(LATHE_LEAVE_OUT)
  list(FILTER LATHE_TEST_FILES EXCLUDE REGEX "${LATHE_LEAVE_OUT}")
endif()
list(FILTER LATHE_TEST_FILES EXCLUDE REGEX "${LATHE_GPU_LEFT_OUT}")
# What is tested has the library's flags; the tests' own code at -O3 was a third of the time that they compile.
add_library(lathe_test_flags INTERFACE)
target_compile_options(lathe_test_flags INTERFACE $<$<CONFIG:Release>:-O1>)
target_link_libraries(lathe_test_flags INTERFACE lathe lathe_flags fmt::fmt nlohmann_json::nlohmann_json
                                                 GTest::gtest_main)
# The headers that all test programs share; a program itself, because theirs are compiled with -fPIE.
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/test_headers.cc CONTENT "")
add_executable(lathe_test_headers EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/test_headers.cc)
target_link_libraries(lathe_test_headers PRIVATE lathe_test_flags)
lathe_precompile(lathe_test_headers <gtest/gtest.h>)

# What runs shaders runs on Mesa's software driver at the other sizes of subgroups too, a lane for each 32 bits of its
# vectors: 4 and 16 beside the 8 of this width. Other drivers know nothing of the variable and run it three times.
function(lathe_discover_subgroups name room)
  foreach(bits 128 512)
    math(EXPR lanes "${bits} / 32")
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX ${room}.subgroup${lanes}.
                         PROPERTIES TIMEOUT 300 LABELS gpu ENVIRONMENT LP_NATIVE_VECTOR_WIDTH=${bits})
  endforeach()
endfunction()

# All that stand in src/ as one program: linked once, started once for each part of the cases. Under a sanitizer linking
# 250 programs and starting 2,000 processes takes longer than the cases; an emulated machine has no other.
set(LATHE_ALL_TESTS ${LATHE_TEST_FILES})
list(FILTER LATHE_ALL_TESTS INCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/src/")
add_executable(all_tests EXCLUDE_FROM_ALL ${LATHE_ALL_TESTS})
target_include_directories(all_tests PRIVATE src)
target_link_libraries(all_tests PRIVATE lathe_test_flags)
lathe_precompiled_by(all_tests lathe_test_headers)
if(LATHE_ONE_TEST_PROGRAM)
  cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
  math(EXPR parts "4 * ${cores}")
  math(EXPR last "${parts} - 1")
  foreach(part RANGE ${last})
    add_test(NAME all_tests.${part} COMMAND all_tests)
    set_tests_properties(all_tests.${part} PROPERTIES TIMEOUT 1200 ENVIRONMENT
                         "GTEST_TOTAL_SHARDS=${parts};GTEST_SHARD_INDEX=${part}")
  endforeach()
  return()
endif()

foreach(file IN LISTS LATHE_TEST_FILES)
  get_filename_component(name ${file} NAME_WE)
  file(RELATIVE_PATH room ${CMAKE_CURRENT_SOURCE_DIR} ${file})
  string(REGEX REPLACE "^(src/)?([^/]+)/.*" "\\2" room ${room})
  if(TARGET ${name})
    set(name ${room}_${name})
  endif()
  add_executable(${name} ${file})
  target_include_directories(${name} PRIVATE src)
  target_link_libraries(${name} PRIVATE lathe_test_flags)
  lathe_precompiled_by(${name} lathe_test_headers)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(room STREQUAL "cli")  # a path of this tree: no cache of compilations knows it in another
    target_compile_definitions(${name} PRIVATE LATHE_BINARY="${CMAKE_BINARY_DIR}/lathe")
  endif()
  set(label ${room})
  if(name MATCHES "device")  # opens one, whatever its room: ctest -L gpu
    set(label gpu)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX ${room}. PROPERTIES TIMEOUT 300 LABELS ${label})
  if(file MATCHES "_device_test\\.cc$" AND LATHE_HAS_VULKAN AND NOT LATHE_SANITIZE)  # 10 times as long
    lathe_discover_subgroups(${name} ${room})
  endif()
  if(NOT TARGET tests_${room})
    add_custom_target(tests_${room})
  endif()
  add_dependencies(tests_${room} ${name})
  if(file MATCHES "/src/(kernels|ops)/")
    list(APPEND LATHE_KERNEL_TEST_OBJECTS $<TARGET_OBJECTS:${name}>)
  endif()
endforeach()

# What stands for libcuda and libcublas in cublas_test, whole and with a function less.
if(TARGET cublas_test)
  foreach(fake fake_cuda fake_cuda_without_sgemm)
    add_library(${fake} MODULE tests/fake_cuda/fake_cuda.cc)
    target_compile_features(${fake} PRIVATE cxx_std_20)
    add_dependencies(cublas_test ${fake})
    string(TOUPPER LATHE_${fake} name)
    target_compile_definitions(cublas_test PRIVATE ${name}="$<TARGET_FILE:${fake}>")
  endforeach()
  target_compile_definitions(fake_cuda_without_sgemm PRIVATE FAKE_WITHOUT_SGEMM)
endif()

# What starts threads, for ThreadSanitizer.
add_custom_target(tests_threads)
foreach(room platform ranks ops)
  if(TARGET tests_${room})
    add_dependencies(tests_threads tests_${room})
  endif()
endforeach()

include(LatheEmulate)
