#include <immintrin.h>

#include "tune/ceiling_loops.h"

namespace lathe::tune {
namespace {

// Twelve chains of vpdpwssd: one or two ports of latency 4 or 5.
void mac(int64_t rounds) noexcept {
  const __m512i x = _mm512_set1_epi16(3), y = _mm512_set1_epi16(5);
  asm volatile(
      "vpxorq %%zmm0, %%zmm0, %%zmm0\n\tvpxorq %%zmm1, %%zmm1, %%zmm1\n\tvpxorq %%zmm2, %%zmm2, %%zmm2\n\t"
      "vpxorq %%zmm3, %%zmm3, %%zmm3\n\tvpxorq %%zmm4, %%zmm4, %%zmm4\n\tvpxorq %%zmm5, %%zmm5, %%zmm5\n\t"
      "vpxorq %%zmm6, %%zmm6, %%zmm6\n\tvpxorq %%zmm7, %%zmm7, %%zmm7\n\tvpxorq %%zmm8, %%zmm8, %%zmm8\n\t"
      "vpxorq %%zmm9, %%zmm9, %%zmm9\n\tvpxorq %%zmm10, %%zmm10, %%zmm10\n\tvpxorq %%zmm11, %%zmm11, %%zmm11\n\t"
      ".p2align 4\n"
      "1:\n\t"
      "vpdpwssd %[y], %[x], %%zmm0\n\tvpdpwssd %[y], %[x], %%zmm1\n\tvpdpwssd %[y], %[x], %%zmm2\n\t"
      "vpdpwssd %[y], %[x], %%zmm3\n\tvpdpwssd %[y], %[x], %%zmm4\n\tvpdpwssd %[y], %[x], %%zmm5\n\t"
      "vpdpwssd %[y], %[x], %%zmm6\n\tvpdpwssd %[y], %[x], %%zmm7\n\tvpdpwssd %[y], %[x], %%zmm8\n\t"
      "vpdpwssd %[y], %[x], %%zmm9\n\tvpdpwssd %[y], %[x], %%zmm10\n\tvpdpwssd %[y], %[x], %%zmm11\n\t"
      "dec %[n]\n\t"
      "jnz 1b\n\t"
      : [n] "+r"(rounds)
      : [x] "v"(x), [y] "v"(y)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11");
}

// Twelve chains of vpdpbusd.
void byte_mac(int64_t rounds) noexcept {
  const __m512i x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(5);
  asm volatile(
      ".p2align 4\n"
      "1:\n\t"
      "vpdpbusd %[x], %[y], %%zmm0\n\t"
      "vpdpbusd %[x], %[y], %%zmm1\n\t"
      "vpdpbusd %[x], %[y], %%zmm2\n\t"
      "vpdpbusd %[x], %[y], %%zmm3\n\t"
      "vpdpbusd %[x], %[y], %%zmm4\n\t"
      "vpdpbusd %[x], %[y], %%zmm5\n\t"
      "vpdpbusd %[x], %[y], %%zmm6\n\t"
      "vpdpbusd %[x], %[y], %%zmm7\n\t"
      "vpdpbusd %[x], %[y], %%zmm8\n\t"
      "vpdpbusd %[x], %[y], %%zmm9\n\t"
      "vpdpbusd %[x], %[y], %%zmm10\n\t"
      "vpdpbusd %[x], %[y], %%zmm11\n\t"
      "dec %[n]\n\t"
      "jnz 1b\n\t"
      : [n] "+r"(rounds)
      : [x] "v"(x), [y] "v"(y)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11");
}

}  // namespace

extern const CeilingLoops ceiling_table_avx512_vnni;
const CeilingLoops ceiling_table_avx512_vnni = {Isa::avx512_vnni, nullptr,  0,           mac,
                                                12 * 32 * 2,      byte_mac, 12 * 64 * 2, {}};

}  // namespace lathe::tune
