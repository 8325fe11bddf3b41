// The trap against the instructions' definition: both types, saturation, xmm and ymm, high registers, and every way
// to address memory. On a CPU that has AVX-VNNI the same cases test the CPU.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>

#include "avx_vnni_trap.h"
#include "platform/cpu.h"

// Named in an instruction below, so neither mangled nor local.
extern "C" {
[[gnu::visibility("hidden")]] uint8_t avx_vnni_rip_operand[32];
}

namespace lathe {
namespace {

using Bytes = std::array<uint8_t, 32>;
using Sums = std::array<int32_t, 8>;

Bytes noise(uint32_t seed) {
  Bytes bytes;
  for (uint8_t& b : bytes) b = static_cast<uint8_t>((seed = seed * 1664525u + 1013904223u) >> 24);
  return bytes;
}

template <class T>
T at(const Bytes& bytes, size_t i) {
  T x;
  std::memcpy(&x, bytes.data() + i * sizeof(T), sizeof(T));
  return x;
}

Sums bytes_dot(Sums sums, const Bytes& a, const Bytes& b) {
  for (size_t i = 0; i < 32; ++i) sums[i / 4] += at<uint8_t>(a, i) * at<int8_t>(b, i);
  return sums;
}

Sums words_dot(Sums sums, const Bytes& a, const Bytes& b) {
  for (size_t i = 0; i < 16; ++i) sums[i / 2] += at<int16_t>(a, i) * at<int16_t>(b, i);
  return sums;
}

const Sums kStart = {1, -2, 3, -4, 5, -6, 7, -8};
const Bytes kA = noise(1), kB = noise(2);

// Loads sums, a and b into ymm1, ymm9 and ymm14, executes `instruction` and stores ymm1. The addresses of b come in
// r9 (b itself), and rdx with rcx (b less 4 * 8, and 4).
#define LATHE_EXECUTE(sums, a, b, instruction)                                                                       \
  asm volatile(                                                                                                      \
      "vmovdqu %0, %%ymm1\n\tvmovdqu %1, %%ymm9\n\tvmovdqu %2, %%ymm14\n\t"                                          \
      "lea %2, %%r9\n\tlea -32(%%r9), %%rdx\n\tmov $4, %%ecx\n\t" instruction "\n\tvmovdqu %%ymm1, %0\n\tvzeroupper" \
      : "+m"(sums)                                                                                                   \
      : "m"(a), "m"(b)                                                                                               \
      : "rcx", "rdx", "r9", "xmm1", "xmm9", "xmm14", "memory")

TEST(AvxVnniTrap, detection_reports_it) { EXPECT_TRUE(has_all(cpu_features(), isa_needs(Isa::avx_vnni))); }

TEST(AvxVnniTrap, every_addressing_mode_gives_the_same_sums) {
  const Sums want = bytes_dot(kStart, kA, kB);
  Sums got = kStart;
  LATHE_EXECUTE(got, kA, kB, "%{vex%} vpdpbusd %%ymm14, %%ymm9, %%ymm1");
  EXPECT_EQ(got, want);
  got = kStart;
  LATHE_EXECUTE(got, kA, kB, "%{vex%} vpdpbusd (%%r9), %%ymm9, %%ymm1");
  EXPECT_EQ(got, want);
  got = kStart;
  LATHE_EXECUTE(got, kA, kB, "%{vex%} vpdpbusd 32(%%rdx), %%ymm9, %%ymm1");
  EXPECT_EQ(got, want);
  got = kStart;
  LATHE_EXECUTE(got, kA, kB, "%{vex%} vpdpbusd (%%rdx,%%rcx,8), %%ymm9, %%ymm1");
  EXPECT_EQ(got, want);
  got = kStart;
  LATHE_EXECUTE(got, kA, kB, "sub $-512, %%r9\n\t%{vex%} vpdpbusd -512(%%r9), %%ymm9, %%ymm1");
  EXPECT_EQ(got, want);
  got = kStart;
  std::memcpy(avx_vnni_rip_operand, kB.data(), sizeof avx_vnni_rip_operand);
  LATHE_EXECUTE(got, kA, kB, "%{vex%} vpdpbusd avx_vnni_rip_operand(%%rip), %%ymm9, %%ymm1");
  EXPECT_EQ(got, want);
}

TEST(AvxVnniTrap, words) {
  Sums got = kStart;
  LATHE_EXECUTE(got, kA, kB, "%{vex%} vpdpwssd %%ymm14, %%ymm9, %%ymm1");
  EXPECT_EQ(got, words_dot(kStart, kA, kB));
}

TEST(AvxVnniTrap, half_a_register_clears_the_other_half) {
  Sums got = kStart, want = words_dot(kStart, kA, kB);
  LATHE_EXECUTE(got, kA, kB, "%{vex%} vpdpwssd %%xmm14, %%xmm9, %%xmm1");
  for (size_t i = 4; i < 8; ++i) want[i] = 0;
  EXPECT_EQ(got, want);
}

TEST(AvxVnniTrap, the_s_forms_saturate_and_the_others_wrap) {
  Bytes ones, minus;
  ones.fill(1);
  minus.fill(0xff);
  constexpr int32_t least = std::numeric_limits<int32_t>::min(), most = std::numeric_limits<int32_t>::max();
  Sums got;
  got.fill(least);
  LATHE_EXECUTE(got, ones, minus, "%{vex%} vpdpbusds %%ymm14, %%ymm9, %%ymm1");
  EXPECT_EQ(got[3], least);
  got.fill(least);
  LATHE_EXECUTE(got, ones, minus, "%{vex%} vpdpbusd %%ymm14, %%ymm9, %%ymm1");
  EXPECT_EQ(got[3], most - 3);
  got.fill(most);
  LATHE_EXECUTE(got, minus, minus, "%{vex%} vpdpwssds %%ymm14, %%ymm9, %%ymm1");
  EXPECT_EQ(got[3], most);
  got.fill(most);
  LATHE_EXECUTE(got, minus, minus, "%{vex%} vpdpwssd %%ymm14, %%ymm9, %%ymm1");
  EXPECT_EQ(got[3], least + 1);
}

TEST(AvxVnniTrap, counts_what_it_carries_out) {
  if (cpu_has_avx_vnni()) GTEST_SKIP() << "this CPU has AVX-VNNI, nothing is trapped";
  const int64_t before = avx_vnni_traps();
  Sums got = kStart;
  LATHE_EXECUTE(got, kA, kB, "%{vex%} vpdpbusd %%ymm14, %%ymm9, %%ymm1\n\t%{vex%} vpdpbusd %%ymm14, %%ymm9, %%ymm1");
  EXPECT_EQ(avx_vnni_traps() - before, 2);
}

}  // namespace
}  // namespace lathe
