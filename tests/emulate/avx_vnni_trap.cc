// A SIGILL handler that carries out VPDPBUSD[S] and VPDPWSSD[S] in their VEX form, xmm and ymm, register and memory
// operand. It works on the registers in the signal frame and steps over the instruction; 19 us each on a
// virtual machine. Whatever else is illegal still ends the program.
#include "avx_vnni_trap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>

#include "platform/cpu.h"
#include "trapped.h"

namespace lathe {
namespace {

std::atomic<int64_t> traps = 0;

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

void on_illegal(int, siginfo_t*, void* context) {
  greg_t* general = general_registers(context);
  VectorRegisters vectors(context);
  const auto* start = reinterpret_cast<const uint8_t*>(general[REG_RIP]);
  Instruction code = vex_instruction(start);
  if (!code.ours || code.map != 2 || code.w != 0 || code.prefix != 1 || code.opcode < 0x50 || code.opcode > 0x53)
    unknown_instruction(start);
  const int lanes = code.length == 1 ? 8 : 4;
  Vector second{};
  if (code.in_memory()) {
    std::memcpy(second.bytes, code.address(general).sum(), static_cast<size_t>(4 * lanes));
  } else {
    second = vectors.load(code.rm | code.b);
  }
  const Vector sums = vectors.load(code.reg), a = vectors.load(code.vvvv);
  Vector result{};  // what is above the instruction's length is cleared
  for (int lane = 0; lane < lanes; ++lane) result.set(lane, dot(code.opcode, sums.get<int32_t>(lane), a, second, lane));
  vectors.store(code.reg, result);
  general[REG_RIP] = reinterpret_cast<greg_t>(code.end);
  traps.fetch_add(1, std::memory_order_relaxed);
}

// A run whose every case was skipped, or whose kernels never used the instructions, has tested nothing.
class TrapEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    struct sigaction action = {};
    action.sa_sigaction = on_illegal;
    action.sa_flags = SA_SIGINFO;
    ASSERT_EQ(sigaction(SIGILL, &action, nullptr), 0);
  }
  void TearDown() override {
    EXPECT_TRUE(cpu_has_avx_vnni() || avx_vnni_traps() > 0) << "no AVX-VNNI instruction was executed";
  }
};
[[maybe_unused]] const auto* const environment = ::testing::AddGlobalTestEnvironment(new TrapEnvironment);

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
