// The loops that find out what a machine can do at most, one table per instruction set. Register loops touch no memory
// and are inline assembly: written in C++ they are folded, hoisted or spilled and report rates no machine has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "platform/cpu.h"

namespace lathe::tune {

struct CeilingLoops {
  using RegisterLoop = void (*)(int64_t rounds) noexcept;
  using ReadLoop = uint64_t (*)(const std::byte* data, int64_t bytes) noexcept;

  Isa isa;
  RegisterLoop fma;  // f32 multiply and add
  int fma_ops;       // operations of one round; a multiply-add is two
  RegisterLoop mac;  // s16 by s16 into s32, the step of the a16, a16r and s32 kernels
  int mac_ops;
  RegisterLoop byte_mac;  // bytes by bytes, the step of the a8 kernels; a7 adds into s32
  int byte_mac_ops;
  ReadLoop read[4];             // ways to read memory, filled from the front; `bytes` is a multiple of kReadGrain
  RegisterLoop bf16 = nullptr;  // bf16 by bf16 into f32, the step of the b16 kernels
  int bf16_ops = 0;
};

// Every read loop takes its bytes as at most 8 streams of whole 256-byte steps.
constexpr int64_t kReadGrain = 8 * 256;

// Of this build, whatever the CPU.
std::span<const CeilingLoops* const> ceiling_loops();

}  // namespace lathe::tune
