// From what the CPU and the operating system answered to a FeatureSet, as pure functions: tests feed them the answers
// of machines that are not at hand.
#pragma once

#include <cstdint>

#include "platform/cpu.h"

namespace lathe {

struct X86Answers {
  uint32_t leaf1_ecx = 0;
  uint32_t leaf7_ebx = 0, leaf7_ecx = 0, leaf7_edx = 0;
  uint32_t leaf7_1_eax = 0;  // leaf 7, subleaf 1
  uint32_t leaf80000001_ecx = 0;
  uint64_t xcr0 = 0;           // which register files the operating system saves; 0 where OSXSAVE is off
  bool amx_permitted = false;  // Linux grants the tile registers to a process only on request
};
FeatureSet decode_x86(const X86Answers& answers);

// AT_HWCAP and AT_HWCAP2 of an aarch64 process.
FeatureSet decode_aarch64(uint64_t hwcap, uint64_t hwcap2);

}  // namespace lathe
