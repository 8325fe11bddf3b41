# One program per `*_test.cc`, named after it, discovered case by case. Each case carries its room as a label
# (`ctest -L kernels`), and the target tests_<room> builds the room's programs.
option(LATHE_STATIC_TESTS "Build the kernel tests as one static program, for an emulated machine" OFF)
find_package(GTest REQUIRED)
include(GoogleTest)

file(GLOB_RECURSE LATHE_TEST_FILES CONFIGURE_DEPENDS src/*_test.cc cli/*_test.cc tests/*_test.cc)
foreach(file IN LISTS LATHE_TEST_FILES)
  get_filename_component(name ${file} NAME_WE)
  file(RELATIVE_PATH room ${CMAKE_CURRENT_SOURCE_DIR} ${file})
  string(REGEX REPLACE "^(src/)?([^/]+)/.*" "\\2" room ${room})
  add_executable(${name} ${file})
  target_include_directories(${name} PRIVATE src)
  target_link_libraries(${name} PRIVATE lathe lathe_flags fmt::fmt nlohmann_json::nlohmann_json GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_compile_definitions(${name} PRIVATE LATHE_BINARY="${CMAKE_BINARY_DIR}/lathe")
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300 LABELS ${room})
  if(NOT TARGET tests_${room})
    add_custom_target(tests_${room})
  endif()
  add_dependencies(tests_${room} ${name})
endforeach()

# What starts threads, for ThreadSanitizer.
add_custom_target(tests_threads)
foreach(room platform ops)
  if(TARGET tests_${room})
    add_dependencies(tests_threads tests_${room})
  endif()
endforeach()

include(LatheEmulate)
