# The tests of the kernels, and of the ops that run them, as single programs for instruction sets that this machine may
# lack. docs/isa.md says how they run.
set(LATHE_KERNEL_TESTS ${LATHE_TEST_FILES})
list(FILTER LATHE_KERNEL_TESTS INCLUDE REGEX "/src/(kernels|ops)/")
if(NOT LATHE_KERNEL_TESTS)
  return()
endif()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # AVX-VNNI on any AVX2 machine: the instructions are trapped and carried out in software, and detection is told so
  # (--wrap leads every call of lathe::cpu_features() to the one in the trap).
  set(trap tests/emulate/avx_vnni_trap.cc tests/emulate/avx_vnni_cases.cc)
  file(GLOB_RECURSE users CONFIGURE_DEPENDS src/kernels/*_avx_vnni.cc)
  if(users)
    list(APPEND trap ${LATHE_KERNEL_TEST_OBJECTS})
  endif()
  add_executable(kernels_avx_vnni ${trap})
  target_include_directories(kernels_avx_vnni PRIVATE src tests/emulate)
  target_link_libraries(kernels_avx_vnni PRIVATE lathe lathe_flags fmt::fmt GTest::gtest_main)
  target_link_options(kernels_avx_vnni PRIVATE -Wl,--wrap=_ZN5lathe12cpu_featuresEv)
  set_target_properties(kernels_avx_vnni PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_dependencies(tests_kernels kernels_avx_vnni)

  function(lathe_add_trapped_test name filter)
    add_test(NAME ${name} COMMAND kernels_avx_vnni --gtest_filter=${filter})
    set_tests_properties(${name} PROPERTIES LABELS kernels TIMEOUT 300 ENVIRONMENT LATHE_TEST_EMULATED=1
                         FAIL_REGULAR_EXPRESSION "0 tests from 0 test suites ran")
  endfunction()
  lathe_add_trapped_test(emulated.avx_vnni.trap AvxVnniTrap.*)
  if(users)
    lathe_add_trapped_test(emulated.avx_vnni.kernels *avx_vnni*)
  endif()
endif()

# Static, for tools/emulate: one boot of an emulated machine, or one start of QEMU, runs them all. Debian has fmt and hwy
# as shared libraries only, so the rooms that the tests need are compiled again; those use the headers of either alone.
if(LATHE_STATIC_TESTS)
  set(LATHE_STATIC_SOURCES "")
  foreach(room base platform quant tensor kernels ops)
    lathe_collect_sources(sources src/${room})
    list(APPEND LATHE_STATIC_SOURCES ${sources})
  endforeach()
  add_library(rooms_static STATIC EXCLUDE_FROM_ALL ${LATHE_STATIC_SOURCES})
  target_include_directories(rooms_static PUBLIC src include)
  target_link_libraries(rooms_static PUBLIC lathe_flags fmt::fmt-header-only Threads::Threads)
  # Packing is the same on every CPU, and that test needs the files' room with OpenSSL.
  set(LATHE_STATIC_CASES ${LATHE_KERNEL_TESTS})
  list(FILTER LATHE_STATIC_CASES EXCLUDE REGEX "/packed_layout_test\\.cc$")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND LATHE_STATIC_CASES tests/emulate/cpu_cases.cc)
  endif()
  add_executable(kernels_static EXCLUDE_FROM_ALL ${LATHE_STATIC_CASES})
  target_link_libraries(kernels_static PRIVATE rooms_static GTest::gtest_main)
  target_link_options(kernels_static PRIVATE -static)
endif()
