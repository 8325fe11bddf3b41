# One libFuzzer program per tests/fuzz/fuzz_*.cc, by clang; tools/fuzz.sh runs them. The rooms that read what others
# wrote are compiled for it again, with coverage and sanitizers, so that the rest of the library need not be.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "LATHE_FUZZ needs clang (-DCMAKE_CXX_COMPILER=clang++), found ${CMAKE_CXX_COMPILER_ID}")
endif()
set(LATHE_FUZZ_SOURCES "")
foreach(room base platform quant tensor formats tokenize grammar chat)
  lathe_collect_sources(sources src/${room})
  list(APPEND LATHE_FUZZ_SOURCES ${sources})
endforeach()
# How large packed weights are.
list(APPEND LATHE_FUZZ_SOURCES src/kernels/matmul/layout.cc src/kernels/matmul/pack_codes.cc)
add_library(rooms_fuzz STATIC EXCLUDE_FROM_ALL ${LATHE_FUZZ_SOURCES})
target_include_directories(rooms_fuzz PUBLIC src include)
target_compile_options(rooms_fuzz PUBLIC -O1 -g1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
target_link_libraries(rooms_fuzz PUBLIC lathe_flags fmt::fmt nlohmann_json::nlohmann_json OpenSSL::Crypto ICU::uc
                      Pcre2::Pcre2 Utf8proc::Utf8proc Threads::Threads)

file(GLOB LATHE_FUZZERS CONFIGURE_DEPENDS tests/fuzz/fuzz_*.cc)
add_custom_target(fuzzers)
foreach(file IN LISTS LATHE_FUZZERS)
  get_filename_component(name ${file} NAME_WE)
  add_executable(${name} EXCLUDE_FROM_ALL ${file})
  target_link_libraries(${name} PRIVATE rooms_fuzz)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer,address,undefined)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  add_dependencies(fuzzers ${name})
endforeach()
