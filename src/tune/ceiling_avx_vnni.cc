#include <immintrin.h>

#include "tune/ceiling_loops.h"

namespace lathe::tune {
namespace {

// Twelve chains of vpdpwssd: one or two ports of latency 4 or 5.
void mac(int64_t rounds) noexcept {
  const __m256i x = _mm256_set1_epi16(3), y = _mm256_set1_epi16(5);
  asm volatile(
      "vpxor %%ymm0, %%ymm0, %%ymm0\n\tvpxor %%ymm1, %%ymm1, %%ymm1\n\tvpxor %%ymm2, %%ymm2, %%ymm2\n\t"
      "vpxor %%ymm3, %%ymm3, %%ymm3\n\tvpxor %%ymm4, %%ymm4, %%ymm4\n\tvpxor %%ymm5, %%ymm5, %%ymm5\n\t"
      "vpxor %%ymm6, %%ymm6, %%ymm6\n\tvpxor %%ymm7, %%ymm7, %%ymm7\n\tvpxor %%ymm8, %%ymm8, %%ymm8\n\t"
      "vpxor %%ymm9, %%ymm9, %%ymm9\n\tvpxor %%ymm10, %%ymm10, %%ymm10\n\tvpxor %%ymm11, %%ymm11, %%ymm11\n\t"
      ".p2align 4\n"
      "1:\n\t"
      "%{vex%} vpdpwssd %[y], %[x], %%ymm0\n\t%{vex%} vpdpwssd %[y], %[x], %%ymm1\n\t%{vex%} vpdpwssd %[y], %[x], "
      "%%ymm2\n\t"
      "%{vex%} vpdpwssd %[y], %[x], %%ymm3\n\t%{vex%} vpdpwssd %[y], %[x], %%ymm4\n\t%{vex%} vpdpwssd %[y], %[x], "
      "%%ymm5\n\t"
      "%{vex%} vpdpwssd %[y], %[x], %%ymm6\n\t%{vex%} vpdpwssd %[y], %[x], %%ymm7\n\t%{vex%} vpdpwssd %[y], %[x], "
      "%%ymm8\n\t"
      "%{vex%} vpdpwssd %[y], %[x], %%ymm9\n\t%{vex%} vpdpwssd %[y], %[x], %%ymm10\n\t%{vex%} vpdpwssd %[y], %[x], "
      "%%ymm11\n\t"
      "dec %[n]\n\t"
      "jnz 1b\n\t"
      : [n] "+r"(rounds)
      : [x] "x"(x), [y] "x"(y)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11");
}

// Twelve chains of vpdpbusd.
void byte_mac(int64_t rounds) noexcept {
  const __m256i x = _mm256_set1_epi8(3), y = _mm256_set1_epi8(5);
  asm volatile(
      ".p2align 4\n"
      "1:\n\t"
      "%{vex%} vpdpbusd %[x], %[y], %%ymm0\n\t"
      "%{vex%} vpdpbusd %[x], %[y], %%ymm1\n\t"
      "%{vex%} vpdpbusd %[x], %[y], %%ymm2\n\t"
      "%{vex%} vpdpbusd %[x], %[y], %%ymm3\n\t"
      "%{vex%} vpdpbusd %[x], %[y], %%ymm4\n\t"
      "%{vex%} vpdpbusd %[x], %[y], %%ymm5\n\t"
      "%{vex%} vpdpbusd %[x], %[y], %%ymm6\n\t"
      "%{vex%} vpdpbusd %[x], %[y], %%ymm7\n\t"
      "%{vex%} vpdpbusd %[x], %[y], %%ymm8\n\t"
      "%{vex%} vpdpbusd %[x], %[y], %%ymm9\n\t"
      "%{vex%} vpdpbusd %[x], %[y], %%ymm10\n\t"
      "%{vex%} vpdpbusd %[x], %[y], %%ymm11\n\t"
      "dec %[n]\n\t"
      "jnz 1b\n\t"
      : [n] "+r"(rounds)
      : [x] "x"(x), [y] "x"(y)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11");
}

}  // namespace

extern const CeilingLoops ceiling_table_avx_vnni;
const CeilingLoops ceiling_table_avx_vnni = {Isa::avx_vnni, nullptr, 0, mac, 12 * 16 * 2, byte_mac, 12 * 32 * 2, {}};

}  // namespace lathe::tune
