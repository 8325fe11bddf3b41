# The kernel tests as single programs for instruction sets that this machine may lack. docs/isa.md says how they run.
set(LATHE_KERNEL_TESTS ${LATHE_TEST_FILES})
list(FILTER LATHE_KERNEL_TESTS INCLUDE REGEX "/src/kernels/")
if(NOT LATHE_KERNEL_TESTS OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  return()
endif()

# AVX-VNNI on any AVX2 machine: the instructions are trapped and carried out in software, and detection is told so
# (--wrap leads every call of lathe::cpu_features() to the one in the trap).
add_executable(kernels_avx_vnni ${LATHE_KERNEL_TESTS} tests/emulate/avx_vnni_trap.cc tests/emulate/avx_vnni_cases.cc)
target_include_directories(kernels_avx_vnni PRIVATE src tests/emulate)
target_link_libraries(kernels_avx_vnni PRIVATE lathe lathe_flags fmt::fmt GTest::gtest_main)
target_link_options(kernels_avx_vnni PRIVATE -Wl,--wrap=_ZN5lathe12cpu_featuresEv)
set_target_properties(kernels_avx_vnni PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
add_test(NAME emulated.avx_vnni.trap COMMAND kernels_avx_vnni --gtest_filter=AvxVnniTrap.*)
add_test(NAME emulated.avx_vnni.kernels COMMAND kernels_avx_vnni --gtest_filter=*avx_vnni*)
set_tests_properties(emulated.avx_vnni.trap emulated.avx_vnni.kernels PROPERTIES
  LABELS kernels TIMEOUT 300 ENVIRONMENT LATHE_TEST_EMULATED=1 FAIL_REGULAR_EXPRESSION "0 tests from 0 test suites ran")
add_dependencies(tests_kernels kernels_avx_vnni)

# Static, for tools/emulate/run.sh: one boot of the emulated machine runs them all. Debian has fmt and hwy as shared
# libraries only, so the rooms up to kernels are compiled into it; they need no more than the headers of either.
if(LATHE_STATIC_TESTS)
  set(LATHE_STATIC_SOURCES "")
  foreach(room base platform quant tensor kernels)
    lathe_collect_sources(sources src/${room})
    list(APPEND LATHE_STATIC_SOURCES ${sources})
  endforeach()
  add_executable(kernels_static EXCLUDE_FROM_ALL ${LATHE_STATIC_SOURCES} ${LATHE_KERNEL_TESTS} tests/emulate/cpu_cases.cc)
  target_include_directories(kernels_static PRIVATE src include)
  target_link_libraries(kernels_static PRIVATE lathe_flags fmt::fmt-header-only GTest::gtest_main Threads::Threads)
  target_link_options(kernels_static PRIVATE -static)
endif()
