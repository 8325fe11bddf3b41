// A SIGILL handler that carries out VPDPBUSD[S] and VPDPWSSD[S] in their VEX form, xmm and ymm, register and memory
// operand. It works on the registers in the signal frame and steps over the instruction; 19 us each on a
// virtual machine. Whatever else is illegal still ends the program.
#include "avx_vnni_trap.h"

#include <algorithm>
#include <limits>

#include "trapped.h"

namespace lathe {
namespace {

int32_t dot(int opcode, int32_t sum, const Vector& a, const Vector& b, int lane) {
  int64_t total = sum;
  if (opcode < 0x52) {
    for (int k = 0; k < 4; ++k) total += int64_t{a.get<uint8_t>(4 * lane + k)} * b.get<int8_t>(4 * lane + k);
  } else {
    for (int k = 0; k < 2; ++k) total += int64_t{a.get<int16_t>(2 * lane + k)} * b.get<int16_t>(2 * lane + k);
  }
  const bool saturates = opcode & 1;
  if (saturates)
    total = std::clamp<int64_t>(total, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max());
  return static_cast<int32_t>(total);
}

const uint8_t* carry_out(const uint8_t* start, void* context) {
  VectorRegisters vectors(context);
  Instruction code = vex_instruction(start);
  if (!code.ours || code.map != 2 || code.w != 0 || code.prefix != 1 || code.opcode < 0x50 || code.opcode > 0x53)
    return nullptr;
  const int lanes = code.length == 1 ? 8 : 4;
  Vector second{};
  if (code.in_memory()) {
    std::memcpy(second.bytes, code.address(general_registers(context)).sum(), static_cast<size_t>(4 * lanes));
  } else {
    second = vectors.load(code.rm | code.b);
  }
  const Vector sums = vectors.load(code.reg), a = vectors.load(code.vvvv);
  Vector result{};  // what is above the instruction's length is cleared
  for (int lane = 0; lane < lanes; ++lane) result.set(lane, dot(code.opcode, sums.get<int32_t>(lane), a, second, lane));
  vectors.store(code.reg, result);
  return code.end;
}

[[maybe_unused]] const auto* const environment =
    ::testing::AddGlobalTestEnvironment(new TrapEnvironment<carry_out>("AVX-VNNI", [] { return !cpu_has_avx_vnni(); }));

}  // namespace

bool cpu_has_avx_vnni() {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1u << 4));
}

int64_t avx_vnni_traps() { return traps.load(std::memory_order_relaxed); }

}  // namespace lathe

// The linker's --wrap: every call of lathe::cpu_features() arrives here.
extern "C" lathe::FeatureSet __real__ZN5lathe12cpu_featuresEv();
extern "C" lathe::FeatureSet __wrap__ZN5lathe12cpu_featuresEv() {
  return __real__ZN5lathe12cpu_featuresEv() | lathe::Feature::avxvnni;
}
