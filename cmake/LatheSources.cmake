# A file's name says what it is compiled for: `gemm_avx2.cc` gets LATHE_ISA_FLAGS_avx2, and is left out where the
# target processor cannot have that instruction set.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # Kernels never throw; without -fno-exceptions each object exports a weak reference to the personality routine.
  set(LATHE_ISA_FLAGS_avx2 -march=x86-64-v2 -mavx2 -mfma -mf16c -mbmi -mbmi2 -mlzcnt -fno-exceptions)
  set(LATHE_ISA_FLAGS_avx_vnni ${LATHE_ISA_FLAGS_avx2} -mavxvnni)
  set(LATHE_ISA_FLAGS_avx512 -fno-exceptions -march=skylake-avx512 -mtune=generic -mprefer-vector-width=512)
  # With -ftree-ter g++ 12 copies each of the 14 accumulators of an integer tile to and fro in every turn of its loop.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND LATHE_ISA_FLAGS_avx512 -fno-tree-ter)
  endif()
  # Under address,undefined g++ 12 takes 117 s for matmul_avx512.cc with -O1, and 46 s like this (10 s without sanitizers).
  if(LATHE_SANITIZE)
    list(APPEND LATHE_ISA_FLAGS_avx512 -O0)
  endif()
  set(LATHE_ISA_FLAGS_avx512_vnni ${LATHE_ISA_FLAGS_avx512} -mavx512vnni)
  set(LATHE_ISA_FLAGS_avx512_bf16 ${LATHE_ISA_FLAGS_avx512} -mavx512bf16)
  set(LATHE_ISA_FLAGS_amx ${LATHE_ISA_FLAGS_avx512_vnni} -mamx-tile -mamx-int8 -mamx-bf16)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  # As released, where the preset of the cross build takes -O1 for all else.
  set(release $<$<CONFIG:Release>:-O3>)
  # Highway's functions for NEON are declared with +crypto, and are not inlined into what lacks it. No kernel uses it.
  set(LATHE_ISA_FLAGS_neon ${release} -march=armv8-a+crypto -fno-exceptions)
  set(LATHE_ISA_FLAGS_dotprod ${release} -march=armv8.2-a+crypto+dotprod -fno-exceptions)
  set(LATHE_ISA_FLAGS_i8mm ${release} -march=armv8.2-a+crypto+dotprod+i8mm -fno-exceptions)
  set(LATHE_ISA_FLAGS_neon_bf16 ${release} -march=armv8.2-a+crypto+bf16 -fno-exceptions)
  set(LATHE_ISA_FLAGS_sve ${release} -march=armv8.2-a+crypto+sve -fno-exceptions)
  # Not for every compiler: what has no SME makes an empty table. __arm_new needs the compiler's runtime at the link.
  include(CheckCXXSourceCompiles)
  set(LATHE_ISA_FLAGS_sme ${release} -march=armv8-a+crypto+sme -fno-exceptions)
  set(CMAKE_REQUIRED_FLAGS "-march=armv8-a+crypto+sme -fno-exceptions")
  check_cxx_source_compiles("#include <arm_sme.h>
    __arm_new(\"za\") void f() __arm_streaming { svzero_za(); }
    int main() { f(); }" LATHE_HAS_SME)
  unset(CMAKE_REQUIRED_FLAGS)
  if(NOT LATHE_HAS_SME)
    set(LATHE_ISA_FLAGS_sme -fno-exceptions)
  endif()
  # g++ 12 schedules loads of the next steps above the products of this one and spills what they displace: 40 of 185
  # instructions of the f32 tile went to the stack, without it none of 152.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    foreach(isa neon dotprod i8mm neon_bf16 sve)
      list(APPEND LATHE_ISA_FLAGS_${isa} -fno-schedule-insns)
    endforeach()
  endif()
endif()
set(LATHE_ISAS avx512_vnni avx512_bf16 avx_vnni avx512 avx2 amx neon_bf16 neon dotprod i8mm sve sme)  # longer suffixes first

function(lathe_collect_sources out folder)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cc)
  list(FILTER files EXCLUDE REGEX "_(test|bench|fuzz)\\.cc$")
  list(FILTER files EXCLUDE REGEX "${LATHE_GPU_LEFT_OUT}")
  if(LATHE_LEAVE_OUT)
    list(FILTER files EXCLUDE REGEX "${LATHE_LEAVE_OUT}")
  endif()
  set(kept "")
  foreach(file IN LISTS files)
    set(isa "")
    foreach(candidate IN LISTS LATHE_ISAS)
      if(isa STREQUAL "" AND file MATCHES "_${candidate}\\.cc$")
        set(isa ${candidate})
      endif()
    endforeach()
    if(isa STREQUAL "")
      list(APPEND kept ${file})
    elseif(DEFINED LATHE_ISA_FLAGS_${isa})
      set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "${LATHE_ISA_FLAGS_${isa}}"
                                  SKIP_PRECOMPILE_HEADERS ON)
      list(APPEND kept ${file})
    endif()
  endforeach()
  set(${out} ${kept} PARENT_SCOPE)
endfunction()
