// A SIGILL handler that carries out VPDPBUSD[S] and VPDPWSSD[S] in their VEX form, xmm and ymm, register and memory
// operand. It works on the registers in the signal frame and steps over the instruction; 19 us each on a
// virtual machine. Whatever else is illegal still ends the program.
#include "avx_vnni_trap.h"

#include <cpuid.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>

#include "platform/cpu.h"

namespace lathe {
namespace {

std::atomic<int64_t> traps = 0;

// General registers by their number in an instruction.
constexpr int kRegisters[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

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
      : general(static_cast<ucontext_t*>(context)->uc_mcontext.gregs),
        xsave(reinterpret_cast<uint8_t*>(static_cast<ucontext_t*>(context)->uc_mcontext.fpregs)) {
    unsigned a, c, d;
    __cpuid_count(0xd, 2, a, upper, c, d);
    std::memcpy(&present, xsave + kHeader, sizeof present);
  }
  uint64_t value(int number) const { return static_cast<uint64_t>(general[kRegisters[number]]); }
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

  greg_t* general;
  uint8_t* xsave;
  unsigned upper = 0;
  uint64_t present = 0;
};

template <class T>
T read(const uint8_t*& p) {
  T x;
  std::memcpy(&x, p, sizeof x);
  p += sizeof x;
  return x;
}

// The address of a memory operand; `p` stands after ModRM and is led past SIB and displacement. No immediate follows
// in these instructions, so RIP-relative means relative to the final `p`.
const uint8_t* address(const Frame& frame, const uint8_t*& p, int mod, int rm, int x, int b) {
  uint64_t at = 0;
  bool has_base = true;
  const bool sib = rm == 4;
  if (sib) {
    const uint8_t s = read<uint8_t>(p);
    const int index = ((s >> 3) & 7) | x;
    if (index != 4) at += frame.value(index) << (s >> 6);
    rm = s & 7;
  }
  if (mod == 0 && rm == 5) has_base = false;
  if (has_base) at += frame.value(rm | b);
  if (mod == 1) at += static_cast<uint64_t>(int64_t{read<int8_t>(p)});
  if (mod == 2 || !has_base) at += static_cast<uint64_t>(int64_t{read<int32_t>(p)});
  if (!has_base && !sib) at += reinterpret_cast<uint64_t>(p);
  return reinterpret_cast<const uint8_t*>(at);
}

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

[[noreturn]] void unknown(const uint8_t* p) {
  char text[] = "avx_vnni_trap: illegal instruction xx xx xx xx xx\n";
  for (int i = 0; i < 5; ++i)
    for (int nibble = 0; nibble < 2; ++nibble)
      text[35 + 3 * i + nibble] = "0123456789abcdef"[(p[i] >> (4 - 4 * nibble)) & 15];
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
  _exit(132);
}

void on_illegal(int, siginfo_t*, void* context) {
  Frame frame(context);
  const auto* start = reinterpret_cast<const uint8_t*>(frame.general[REG_RIP]);
  // C4, inverted R X B and the opcode map, W, inverted vvvv, L and the prefix, opcode, ModRM
  const uint8_t rxb = start[1], wvlp = start[2], opcode = start[3], modrm = start[4];
  const bool ours = start[0] == 0xc4 && (rxb & 31) == 2 && (wvlp & 0x83) == 1 && opcode >= 0x50 && opcode <= 0x53;
  if (!ours) unknown(start);
  const int r = rxb & 0x80 ? 0 : 8, x = rxb & 0x40 ? 0 : 8, b = rxb & 0x20 ? 0 : 8;
  const int destination = ((modrm >> 3) & 7) | r, first = (~wvlp >> 3) & 15, mod = modrm >> 6, rm = modrm & 7;
  const int lanes = wvlp & 4 ? 8 : 4;

  const uint8_t* p = start + 5;
  Vector second{};
  if (mod == 3) {
    second = frame.load(rm | b);
  } else {
    const uint8_t* from = address(frame, p, mod, rm, x, b);
    std::memcpy(second.bytes, from, static_cast<size_t>(4 * lanes));
  }
  const Vector sums = frame.load(destination), a = frame.load(first);
  Vector result{};  // a 128-bit instruction clears the upper half
  for (int lane = 0; lane < lanes; ++lane) {
    const int32_t sum = dot(opcode, sums.get<int32_t>(lane), a, second, lane);
    std::memcpy(result.bytes + 4 * lane, &sum, sizeof sum);
  }
  frame.store(destination, result);
  frame.general[REG_RIP] = reinterpret_cast<greg_t>(p);
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
