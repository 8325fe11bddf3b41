// A SIGILL handler that carries out VPDPBUSD[S] and VPDPWSSD[S] in their VEX form, xmm and ymm, register and memory
// operand. It works on the registers in the signal frame and steps over the instruction; 19 us each on a
// virtual machine. Whatever else is illegal still ends the program.
#include "avx_vnni_trap.h"

#include <cpuid.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>

#include "platform/cpu.h"
#include "trapped.h"

namespace lathe {
namespace {

std::atomic<int64_t> traps = 0;

// The XSAVE area of a signal frame: xmm in the legacy part, upper halves of ymm where CPUID says, and in the header
// the set of components that are not in their initial state.
constexpr int kXmm = 160, kHeader = 512;
constexpr uint64_t kSseAndAvx = 2 | 4;

struct Vector {
  uint8_t bytes[32];
  template <class T>
  T get(int i) const {
    T x;
    std::memcpy(&x, bytes + i * sizeof(T), sizeof(T));
    return x;
  }
};

struct Frame {
  explicit Frame(void* context)
      : xsave(reinterpret_cast<uint8_t*>(static_cast<ucontext_t*>(context)->uc_mcontext.fpregs)) {
    unsigned a, c, d;
    __cpuid_count(0xd, 2, a, upper, c, d);
    std::memcpy(&present, xsave + kHeader, sizeof present);
  }
  Vector load(int number) const {
    Vector v{};
    if (present & 2) std::memcpy(v.bytes, xsave + kXmm + 16 * number, 16);
    if (present & 4) std::memcpy(v.bytes + 16, xsave + upper + 16 * number, 16);
    return v;
  }
  void store(int number, const Vector& v) {
    if (!(present & 2)) std::memset(xsave + kXmm, 0, 256);
    if (!(present & 4)) std::memset(xsave + upper, 0, 256);
    present |= kSseAndAvx;
    std::memcpy(xsave + kHeader, &present, sizeof present);
    std::memcpy(xsave + kXmm + 16 * number, v.bytes, 16);
    std::memcpy(xsave + upper + 16 * number, v.bytes + 16, 16);
  }

  uint8_t* xsave;
  unsigned upper = 0;
  uint64_t present = 0;
};

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
  const auto* start = reinterpret_cast<const uint8_t*>(general[REG_RIP]);
  VexInstruction code(start);
  const bool ours =
      code.vex && code.map == 2 && code.w == 0 && code.prefix == 1 && code.opcode >= 0x50 && code.opcode <= 0x53;
  if (!ours) unknown_instruction(start);
  const int lanes = code.l ? 8 : 4;

  Frame frame(context);
  Vector second{};
  if (code.mod == 3) {
    second = frame.load(code.rm | code.b);
  } else {
    std::memcpy(second.bytes, code.address(general).sum(), static_cast<size_t>(4 * lanes));
  }
  const Vector sums = frame.load(code.reg), a = frame.load(code.vvvv);
  Vector result{};  // a 128-bit instruction clears the upper half
  for (int lane = 0; lane < lanes; ++lane) {
    const int32_t sum = dot(code.opcode, sums.get<int32_t>(lane), a, second, lane);
    std::memcpy(result.bytes + 4 * lane, &sum, sizeof sum);
  }
  frame.store(code.reg, result);
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
