#include <immintrin.h>

#include "tune/ceiling_loops.h"

namespace lathe::tune {
namespace {

// Twelve chains of vdpbf16ps.
void bf16(int64_t rounds) noexcept {
  const __m512i x = _mm512_set1_epi16(0x3f80), y = _mm512_set1_epi16(0x3f00);
  asm volatile(
      ".p2align 4\n"
      "1:\n\t"
      "vdpbf16ps %[y], %[x], %%zmm0\n\t"
      "vdpbf16ps %[y], %[x], %%zmm1\n\t"
      "vdpbf16ps %[y], %[x], %%zmm2\n\t"
      "vdpbf16ps %[y], %[x], %%zmm3\n\t"
      "vdpbf16ps %[y], %[x], %%zmm4\n\t"
      "vdpbf16ps %[y], %[x], %%zmm5\n\t"
      "vdpbf16ps %[y], %[x], %%zmm6\n\t"
      "vdpbf16ps %[y], %[x], %%zmm7\n\t"
      "vdpbf16ps %[y], %[x], %%zmm8\n\t"
      "vdpbf16ps %[y], %[x], %%zmm9\n\t"
      "vdpbf16ps %[y], %[x], %%zmm10\n\t"
      "vdpbf16ps %[y], %[x], %%zmm11\n\t"
      "dec %[n]\n\t"
      "jnz 1b\n\t"
      : [n] "+r"(rounds)
      : [x] "v"(x), [y] "v"(y)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11");
}

}  // namespace

extern const CeilingLoops ceiling_table_avx512_bf16;
const CeilingLoops ceiling_table_avx512_bf16 = {Isa::avx512_bf16, nullptr, 0,  nullptr, 0,
                                                nullptr,          0,       {}, bf16,    12 * 32 * 2};

}  // namespace lathe::tune
