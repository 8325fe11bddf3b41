#include <immintrin.h>

#include "tune/ceiling_loops.h"

namespace lathe::tune {
namespace {

// Twelve chains: two ports of latency 4. acc = acc * x + y converges, so no value overflows or becomes denormal.
void fma(int64_t rounds) noexcept {
  const __m512 x = _mm512_set1_ps(0.5f), y = _mm512_set1_ps(1.25f);
  asm volatile(
      "vpxorq %%zmm0, %%zmm0, %%zmm0\n\tvpxorq %%zmm1, %%zmm1, %%zmm1\n\tvpxorq %%zmm2, %%zmm2, %%zmm2\n\t"
      "vpxorq %%zmm3, %%zmm3, %%zmm3\n\tvpxorq %%zmm4, %%zmm4, %%zmm4\n\tvpxorq %%zmm5, %%zmm5, %%zmm5\n\t"
      "vpxorq %%zmm6, %%zmm6, %%zmm6\n\tvpxorq %%zmm7, %%zmm7, %%zmm7\n\tvpxorq %%zmm8, %%zmm8, %%zmm8\n\t"
      "vpxorq %%zmm9, %%zmm9, %%zmm9\n\tvpxorq %%zmm10, %%zmm10, %%zmm10\n\tvpxorq %%zmm11, %%zmm11, %%zmm11\n\t"
      ".p2align 4\n"
      "1:\n\t"
      "vfmadd213ps %[y], %[x], %%zmm0\n\tvfmadd213ps %[y], %[x], %%zmm1\n\tvfmadd213ps %[y], %[x], %%zmm2\n\t"
      "vfmadd213ps %[y], %[x], %%zmm3\n\tvfmadd213ps %[y], %[x], %%zmm4\n\tvfmadd213ps %[y], %[x], %%zmm5\n\t"
      "vfmadd213ps %[y], %[x], %%zmm6\n\tvfmadd213ps %[y], %[x], %%zmm7\n\tvfmadd213ps %[y], %[x], %%zmm8\n\t"
      "vfmadd213ps %[y], %[x], %%zmm9\n\tvfmadd213ps %[y], %[x], %%zmm10\n\tvfmadd213ps %[y], %[x], %%zmm11\n\t"
      "dec %[n]\n\t"
      "jnz 1b\n\t"
      : [n] "+r"(rounds)
      : [x] "v"(x), [y] "v"(y)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11");
}

// As on AVX2: without VNNI a 16-bit multiply-add is a multiply of pairs and an add.
void mac(int64_t rounds) noexcept {
  const __m512i x = _mm512_set1_epi16(3), y = _mm512_set1_epi16(5);
  asm volatile(
      "vpxorq %%zmm0, %%zmm0, %%zmm0\n\tvpxorq %%zmm1, %%zmm1, %%zmm1\n\tvpxorq %%zmm2, %%zmm2, %%zmm2\n\t"
      "vpxorq %%zmm3, %%zmm3, %%zmm3\n\tvpxorq %%zmm4, %%zmm4, %%zmm4\n\tvpxorq %%zmm5, %%zmm5, %%zmm5\n\t"
      "vpxorq %%zmm6, %%zmm6, %%zmm6\n\tvpxorq %%zmm7, %%zmm7, %%zmm7\n\tvpxorq %%zmm8, %%zmm8, %%zmm8\n\t"
      ".p2align 4\n"
      "1:\n\t"
      "vpmaddwd %[x], %[y], %%zmm9\n\tvpmaddwd %[x], %[y], %%zmm10\n\tvpmaddwd %[x], %[y], %%zmm11\n\t"
      "vpaddd %%zmm9, %%zmm0, %%zmm0\n\tvpaddd %%zmm10, %%zmm1, %%zmm1\n\tvpaddd %%zmm11, %%zmm2, %%zmm2\n\t"
      "vpmaddwd %[x], %[y], %%zmm9\n\tvpmaddwd %[x], %[y], %%zmm10\n\tvpmaddwd %[x], %[y], %%zmm11\n\t"
      "vpaddd %%zmm9, %%zmm3, %%zmm3\n\tvpaddd %%zmm10, %%zmm4, %%zmm4\n\tvpaddd %%zmm11, %%zmm5, %%zmm5\n\t"
      "vpmaddwd %[x], %[y], %%zmm9\n\tvpmaddwd %[x], %[y], %%zmm10\n\tvpmaddwd %[x], %[y], %%zmm11\n\t"
      "vpaddd %%zmm9, %%zmm6, %%zmm6\n\tvpaddd %%zmm10, %%zmm7, %%zmm7\n\tvpaddd %%zmm11, %%zmm8, %%zmm8\n\t"
      "dec %[n]\n\t"
      "jnz 1b\n\t"
      : [n] "+r"(rounds)
      : [x] "v"(x), [y] "v"(y)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11");
}

// Bytes by bytes into sums of 16 bits, and the add into an accumulator: what a8 does for eight steps in a row. a7 has
// larger products, needs a third instruction, and can reach two thirds of this.
void byte_mac(int64_t rounds) noexcept {
  const __m512i x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(5);
  asm volatile(
      ".p2align 4\n"
      "1:\n\t"
      "vpmaddubsw %[x], %[y], %%zmm9\n\t"
      "vpmaddubsw %[x], %[y], %%zmm10\n\t"
      "vpmaddubsw %[x], %[y], %%zmm11\n\t"
      "vpaddw %%zmm9, %%zmm0, %%zmm0\n\t"
      "vpaddw %%zmm10, %%zmm1, %%zmm1\n\t"
      "vpaddw %%zmm11, %%zmm2, %%zmm2\n\t"
      "vpmaddubsw %[x], %[y], %%zmm9\n\t"
      "vpmaddubsw %[x], %[y], %%zmm10\n\t"
      "vpmaddubsw %[x], %[y], %%zmm11\n\t"
      "vpaddw %%zmm9, %%zmm3, %%zmm3\n\t"
      "vpaddw %%zmm10, %%zmm4, %%zmm4\n\t"
      "vpaddw %%zmm11, %%zmm5, %%zmm5\n\t"
      "vpmaddubsw %[x], %[y], %%zmm9\n\t"
      "vpmaddubsw %[x], %[y], %%zmm10\n\t"
      "vpmaddubsw %[x], %[y], %%zmm11\n\t"
      "vpaddw %%zmm9, %%zmm6, %%zmm6\n\t"
      "vpaddw %%zmm10, %%zmm7, %%zmm7\n\t"
      "vpaddw %%zmm11, %%zmm8, %%zmm8\n\t"
      "dec %[n]\n\t"
      "jnz 1b\n\t"
      : [n] "+r"(rounds)
      : [x] "v"(x), [y] "v"(y)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11");
}

template <int kStreams>
uint64_t read(const std::byte* data, int64_t bytes) noexcept {
  const int64_t part = bytes / kStreams;
  __m512i sum[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
  for (int64_t i = 0; i < part; i += 256)
    for (int s = 0; s < kStreams; ++s) {
      const std::byte* p = data + s * part + i;
      for (int v = 0; v < 4; ++v) sum[v] = _mm512_xor_si512(sum[v], _mm512_load_si512(p + v * 64));
    }
  const __m512i all = _mm512_xor_si512(_mm512_xor_si512(sum[0], sum[1]), _mm512_xor_si512(sum[2], sum[3]));
  alignas(64) uint64_t lanes[8];
  _mm512_store_si512(lanes, all);
  uint64_t result = 0;
  for (const uint64_t lane : lanes) result ^= lane;
  return result;
}

}  // namespace

extern const CeilingLoops ceiling_table_avx512;
const CeilingLoops ceiling_table_avx512 = {Isa::avx512, fma,      12 * 16 * 2, mac,
                                           9 * 32 * 2,  byte_mac, 9 * 64 * 2,  {read<1>, read<2>, read<4>, read<8>}};

}  // namespace lathe::tune
