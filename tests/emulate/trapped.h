// What a SIGILL handler of a trapped instruction set needs: the registers of the interrupted code, operands in
// memory, and the end of a program that met another illegal instruction.
#pragma once

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

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

// An instruction with a three-byte VEX prefix: C4, inverted R X B and the opcode map, W, inverted vvvv, L and the
// prefix, opcode, ModRM.
struct VexInstruction {
  explicit VexInstruction(const uint8_t* at)
      : vex(at[0] == 0xc4),
        map(at[1] & 31),
        w(at[2] >> 7),
        l(at[2] >> 2 & 1),
        prefix(at[2] & 3),
        opcode(at[3]),
        r(at[1] & 0x80 ? 0 : 8),
        x(at[1] & 0x40 ? 0 : 8),
        b(at[1] & 0x20 ? 0 : 8),
        vvvv(~at[2] >> 3 & 15),
        mod(at[4] >> 6),
        reg((at[4] >> 3 & 7) | r),
        rm(at[4] & 7),
        end(at + 5) {}

  // A memory operand as base and index << scale; `end` is led past SIB and displacement. No immediate follows in these
  // instructions, so RIP-relative means relative to the final `end`.
  struct Address {
    uint64_t base = 0, index = 0;
    uint8_t* sum() const { return reinterpret_cast<uint8_t*>(base + index); }
  };
  Address address(const greg_t* general) {
    const auto value = [general](int number) { return static_cast<uint64_t>(general[kGeneralRegisters[number]]); };
    Address at;
    int base = rm;
    const bool sib = rm == 4;
    if (sib) {
      const auto s = read_code<uint8_t>(end);
      const int index = (s >> 3 & 7) | x;
      if (index != 4) at.index = value(index) << (s >> 6);
      base = s & 7;
    }
    const bool has_base = mod != 0 || base != 5;
    if (has_base) at.base = value(base | b);
    if (mod == 1) at.base += static_cast<uint64_t>(int64_t{read_code<int8_t>(end)});
    if (mod == 2 || !has_base) at.base += static_cast<uint64_t>(int64_t{read_code<int32_t>(end)});
    if (!has_base && !sib) at.base += reinterpret_cast<uint64_t>(end);
    return at;
  }

  bool vex;
  int map, w, l, prefix, opcode;  // prefix: 0 none, 1 66, 2 F3, 3 F2
  int r, x, b, vvvv, mod, reg, rm;
  const uint8_t* end;
};

[[noreturn]] inline void unknown_instruction(const uint8_t* p) {
  char text[] = "trap: illegal instruction xx xx xx xx xx\n";
  for (int i = 0; i < 5; ++i)
    for (int nibble = 0; nibble < 2; ++nibble)
      text[26 + 3 * i + nibble] = "0123456789abcdef"[(p[i] >> (4 - 4 * nibble)) & 15];
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
  _exit(132);
}

}  // namespace lathe
