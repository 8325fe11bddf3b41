// What traps of instruction sets share: the SIGILL handler, the instruction taken apart, the registers of the
// interrupted code, operands in memory, and the end of a program that met another illegal instruction.
#pragma once

#include <cpuid.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>

#include "platform/cpu.h"

namespace lathe {

// General registers by their number in an instruction.
constexpr int kGeneralRegisters[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                       REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

inline greg_t* general_registers(void* context) { return static_cast<ucontext_t*>(context)->uc_mcontext.gregs; }

template <class T>
T read_code(const uint8_t*& p) {
  T x;
  std::memcpy(&x, p, sizeof x);
  p += sizeof x;
  return x;
}

// An instruction from its prefix to ModRM. Registers' numbers are whole; `end` stands behind ModRM.
struct Instruction {
  // A memory operand as base and index << scale; `end` is led past SIB and displacement, of which a byte counts
  // `unit` bytes (EVEX). No immediate follows in these instructions, so RIP-relative means relative to the final `end`.
  struct Address {
    uint64_t base = 0, index = 0;
    uint8_t* sum() const { return reinterpret_cast<uint8_t*>(base + index); }
  };
  Address address(const greg_t* general, int unit = 1) {
    const auto value = [general](int number) { return static_cast<uint64_t>(general[kGeneralRegisters[number]]); };
    Address at;
    int base = rm;
    const bool sib = rm == 4;
    if (sib) {
      const auto s = read_code<uint8_t>(end);
      const int number = (s >> 3 & 7) | x;
      if (number != 4) at.index = value(number) << (s >> 6);
      base = s & 7;
    }
    const bool has_base = mod != 0 || base != 5;
    if (has_base) at.base = value(base | b);
    if (mod == 1) at.base += static_cast<uint64_t>(int64_t{read_code<int8_t>(end)} * unit);
    if (mod == 2 || !has_base) at.base += static_cast<uint64_t>(int64_t{read_code<int32_t>(end)});
    if (!has_base && !sib) at.base += reinterpret_cast<uint64_t>(end);
    return at;
  }
  bool in_memory() const { return mod != 3; }

  bool ours = false;  // it has the prefix that was looked for
  int map = 0, w = 0, length = 0, prefix = 0,
      opcode = 0;  // length: 0 128 bits, 1 256, 2 512; prefix: 0 none, 1 66, 2 F3,
  int x = 0, b = 0, vvvv = 0, mod = 0, reg = 0, rm = 0;
  const uint8_t* end = nullptr;
};

// The three-byte VEX prefix: C4, inverted R X B and the opcode map, W, inverted vvvv, L and the prefix, opcode, ModRM.
inline Instruction vex_instruction(const uint8_t* at) {
  Instruction i;
  i.ours = at[0] == 0xc4;
  i.map = at[1] & 31;
  i.w = at[2] >> 7;
  i.length = at[2] >> 2 & 1;
  i.prefix = at[2] & 3;
  i.opcode = at[3];
  i.x = at[1] & 0x40 ? 0 : 8;
  i.b = at[1] & 0x20 ? 0 : 8;
  i.vvvv = ~at[2] >> 3 & 15;
  i.mod = at[4] >> 6;
  i.reg = (at[4] >> 3 & 7) | (at[1] & 0x80 ? 0 : 8);
  i.rm = at[4] & 7;
  i.end = at + 5;
  return i;
}

// EVEX: 62, inverted R X B R' and the map, W, inverted vvvv, 1 and the prefix, z L'L b V' aaa, opcode, ModRM.
struct EvexInstruction : Instruction {
  bool broadcast = false;
  int mask = 0;
  int source() const { return rm | b | x << 1; }  // X is the fifth bit of a register that ModRM names
};
inline EvexInstruction evex_instruction(const uint8_t* at) {
  EvexInstruction i;
  i.ours = at[0] == 0x62 && (at[1] & 8) == 0 && (at[2] & 4) != 0;
  i.map = at[1] & 7;
  i.w = at[2] >> 7;
  i.length = at[3] >> 5 & 3;
  i.prefix = at[2] & 3;
  i.opcode = at[4];
  i.x = at[1] & 0x40 ? 0 : 8;
  i.b = at[1] & 0x20 ? 0 : 8;
  i.vvvv = (~at[2] >> 3 & 15) | (at[3] & 8 ? 0 : 16);
  i.mod = at[5] >> 6;
  i.reg = (at[5] >> 3 & 7) | (at[1] & 0x80 ? 0 : 8) | (at[1] & 0x10 ? 0 : 16);
  i.rm = at[5] & 7;
  i.broadcast = (at[3] & 0x10) != 0;
  i.mask = at[3] & 7;
  i.end = at + 6;
  return i;
}

struct Vector {
  uint8_t bytes[64];
  template <class T>
  T get(int i) const {
    T x;
    std::memcpy(&x, bytes + static_cast<size_t>(i) * sizeof(T), sizeof(T));
    return x;
  }
  template <class T>
  void set(int i, T x) {
    std::memcpy(bytes + static_cast<size_t>(i) * sizeof(T), &x, sizeof(T));
  }
};

// The vector registers in the XSAVE area of a signal frame: xmm in the legacy part, upper halves of ymm and of zmm and
// zmm16 to 31 where CPUID says, and in the header the set of components that are not in their initial state.
class VectorRegisters {
 public:
  explicit VectorRegisters(void* context)
      : xsave_(reinterpret_cast<uint8_t*>(static_cast<ucontext_t*>(context)->uc_mcontext.fpregs)) {
    std::memcpy(&present_, xsave_ + kHeader, sizeof present_);
  }
  Vector load(int number) const {
    Vector v{};
    each_part(number, [&](int component, uint8_t* part, int at, size_t bytes, size_t) {
      if (present_ >> component & 1) std::memcpy(v.bytes + at, part, bytes);
    });
    return v;
  }
  void store(int number, const Vector& v) {
    each_part(number, [&](int component, uint8_t* part, int at, size_t bytes, size_t index) {
      if (!(present_ >> component & 1)) std::memset(part - index * bytes, 0, 16 * bytes);
      present_ |= uint64_t{1} << component;
      std::memcpy(part, v.bytes + at, bytes);
    });
    std::memcpy(xsave_ + kHeader, &present_, sizeof present_);
  }

 private:
  static constexpr int kXmm = 160, kHeader = 512;

  // part(component, where it lies, where in the register it belongs, bytes, its number among 16), of those the CPU has.
  template <class Part>
  void each_part(int number, const Part& part) const {
    const auto index = static_cast<size_t>(number & 15);
    if (number < 16) {
      part(1, xsave_ + kXmm + 16 * index, 0, size_t{16}, index);
      part(2, xsave_ + offset(2) + 16 * index, 16, size_t{16}, index);
      if (offset(6) != 0) part(6, xsave_ + offset(6) + 32 * index, 32, size_t{32}, index);
    } else {
      part(7, xsave_ + offset(7) + 64 * index, 0, size_t{64}, index);
    }
  }
  static unsigned offset(unsigned component) {
    unsigned a, b = 0, c, d;
    __cpuid_count(0xd, component, a, b, c, d);
    return b;
  }

  uint8_t* xsave_;
  uint64_t present_ = 0;
};

[[noreturn]] inline void unknown_instruction(const uint8_t* p) {
  char text[] = "trap: illegal instruction xx xx xx xx xx xx\n";
  for (int i = 0; i < 6; ++i)
    for (int nibble = 0; nibble < 2; ++nibble)
      text[26 + 3 * i + nibble] = "0123456789abcdef"[(p[i] >> (4 - 4 * nibble)) & 15];
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
  _exit(132);
}

// Instructions that were carried out so far, in this process.
inline std::atomic<int64_t> traps = 0;

// Carries out the instruction at `code` on the registers of `context`. Returns what stands behind it, or nullptr where
// it is none of those that are trapped.
using CarryOut = const uint8_t* (*)(const uint8_t* code, void* context);

template <CarryOut kCarryOut>
void on_illegal(int, siginfo_t*, void* context) {
  greg_t& next = general_registers(context)[REG_RIP];
  const auto* start = reinterpret_cast<const uint8_t*>(next);
  const uint8_t* end = kCarryOut(start, context);
  if (end == nullptr) unknown_instruction(start);
  next = reinterpret_cast<greg_t>(end);
  traps.fetch_add(1, std::memory_order_relaxed);
}

// A run whose every case was skipped, or whose kernels never used the instructions where they are `needed`, has tested
// nothing.
template <CarryOut kCarryOut>
class TrapEnvironment : public ::testing::Environment {
 public:
  TrapEnvironment(const char* instructions, bool (*needed)()) : instructions_(instructions), needed_(needed) {}
  void SetUp() override {
    struct sigaction action = {};
    action.sa_sigaction = on_illegal<kCarryOut>;
    action.sa_flags = SA_SIGINFO;
    ASSERT_EQ(sigaction(SIGILL, &action, nullptr), 0);
    cpu_features();  // where the CPU has AMX, the system is asked for the tiles
  }
  void TearDown() override {
    EXPECT_TRUE(!needed_() || traps.load() > 0) << "no " << instructions_ << " instruction was executed";
  }

 private:
  const char* instructions_;
  bool (*needed_)();
};

}  // namespace lathe
