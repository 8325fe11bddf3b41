# The tests of the kernels, and of the ops that run them, as single programs for instruction sets that this machine may
# lack. docs/isa.md says how they run.
set(LATHE_KERNEL_TESTS ${LATHE_TEST_FILES})
list(FILTER LATHE_KERNEL_TESTS INCLUDE REGEX "/src/(kernels|ops)/")
if(NOT LATHE_KERNEL_TESTS)
  return()
endif()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # lathe_add_trap(ISA SUITE FILE...): the tests of kernels and ops linked with a trap, which carries out in software what
  # the CPU lacks. --wrap leads every call of lathe::cpu_features(), and of isa_needs(), to the trap's where it has one.
  function(lathe_add_trap isa suite)
    set(program kernels_${isa})
    add_executable(${program} ${ARGN} ${LATHE_KERNEL_TEST_OBJECTS})
    target_include_directories(${program} PRIVATE src tests/emulate)
    target_link_libraries(${program} PRIVATE lathe lathe_flags fmt::fmt GTest::gtest_main)
    target_link_options(${program} PRIVATE -Wl,--wrap=_ZN5lathe12cpu_featuresEv)
    set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_dependencies(tests_kernels ${program})
    add_test(NAME emulated.${isa}.trap COMMAND ${program} --gtest_filter=${suite}.*)
    add_test(NAME emulated.${isa}.kernels COMMAND ${program} --gtest_filter=*${isa}_*)
    set_tests_properties(emulated.${isa}.trap emulated.${isa}.kernels PROPERTIES LABELS kernels TIMEOUT 300
                         ENVIRONMENT LATHE_TEST_EMULATED=1
                         FAIL_REGULAR_EXPRESSION "0 tests from 0 test suites ran")
  endfunction()
  lathe_add_trap(avx_vnni AvxVnniTrap tests/emulate/avx_vnni_trap.cc tests/emulate/avx_vnni_cases.cc)
  lathe_add_trap(amx AmxTrap tests/emulate/amx_trap.cc tests/emulate/amx_cases.cc tests/emulate/amx_rows.cc)
  target_link_options(kernels_amx PRIVATE -Wl,--wrap=_ZN5lathe9isa_needsENS_3IsaE)
  set_source_files_properties(tests/emulate/amx_rows.cc PROPERTIES
                              COMPILE_OPTIONS "${LATHE_ISA_FLAGS_avx2};-mamx-tile;-mamx-int8" SKIP_PRECOMPILE_HEADERS ON)
  set_source_files_properties(tests/emulate/amx_cases.cc PROPERTIES COMPILE_OPTIONS "-mamx-tile;-mamx-int8")
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
  # Packing is the same on every CPU, and its test needs the files' room with OpenSSL; others need the room of GPUs.
  set(LATHE_STATIC_CASES ${LATHE_KERNEL_TESTS})
  list(FILTER LATHE_STATIC_CASES EXCLUDE REGEX "/(packed_layout|weight_columns|device_[a-z]+)_test\\.cc$")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND LATHE_STATIC_CASES tests/emulate/cpu_cases.cc tests/emulate/avx512_bf16_trap.cc)
  endif()
  add_executable(kernels_static EXCLUDE_FROM_ALL ${LATHE_STATIC_CASES})
  target_link_libraries(kernels_static PRIVATE rooms_static GTest::gtest_main)
  target_compile_options(kernels_static PRIVATE $<$<CONFIG:Release>:-O1>)  # as the tests elsewhere
  target_link_options(kernels_static PRIVATE -static)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_include_directories(kernels_static PRIVATE tests/emulate)
    target_link_options(kernels_static PRIVATE -Wl,--wrap=_ZN5lathe12cpu_featuresEv)
  endif()
endif()
