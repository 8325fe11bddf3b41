# One program per `*_test.cc`, named after it (after its room too where two rooms have one of that name), discovered
# case by case. Each case carries its room as a label (`ctest -L kernels`), and tests_<room> builds the room's programs.
option(LATHE_STATIC_TESTS "Build the kernel tests as one static program, for an emulated machine" OFF)
find_package(GTest REQUIRED)
include(GoogleTest)

set(LATHE_KERNEL_TEST_OBJECTS "")
file(GLOB_RECURSE LATHE_TEST_FILES CONFIGURE_DEPENDS src/*_test.cc cli/*_test.cc tests/*_test.cc)
foreach(file IN LISTS LATHE_TEST_FILES)
  get_filename_component(name ${file} NAME_WE)
  file(RELATIVE_PATH room ${CMAKE_CURRENT_SOURCE_DIR} ${file})
  string(REGEX REPLACE "^(src/)?([^/]+)/.*" "\\2" room ${room})
  if(TARGET ${name})
    set(name ${room}_${name})
  endif()
  add_executable(${name} ${file})
  target_include_directories(${name} PRIVATE src)
  # What is tested has the library's flags; the tests' own code at -O3 was a third of the time that they compile.
  set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:-O1>")
  target_link_libraries(${name} PRIVATE lathe lathe_flags fmt::fmt nlohmann_json::nlohmann_json GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(room STREQUAL "cli")  # a path of this tree: no cache of compilations knows it in another
    target_compile_definitions(${name} PRIVATE LATHE_BINARY="${CMAKE_BINARY_DIR}/lathe")
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX ${room}. PROPERTIES TIMEOUT 300 LABELS ${room})
  if(NOT TARGET tests_${room})
    add_custom_target(tests_${room})
  endif()
  add_dependencies(tests_${room} ${name})
  if(file MATCHES "/src/(kernels|ops)/")
    list(APPEND LATHE_KERNEL_TEST_OBJECTS $<TARGET_OBJECTS:${name}>)
  endif()
endforeach()

# What starts threads, for ThreadSanitizer.
add_custom_target(tests_threads)
foreach(room platform ops)
  if(TARGET tests_${room})
    add_dependencies(tests_threads tests_${room})
  endif()
endforeach()

include(LatheEmulate)
