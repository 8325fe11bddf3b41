#include <immintrin.h>

#include "tune/ceiling_loops.h"

namespace lathe::tune {
namespace {

// Twelve chains: two FMA ports of latency 4 or 5 want eight to ten. acc = acc * x + y converges, so no value overflows
// or becomes denormal.
void fma(int64_t rounds) noexcept {
  const __m256 x = _mm256_set1_ps(0.5f), y = _mm256_set1_ps(1.25f);
  asm volatile(
      "vxorps %%ymm0, %%ymm0, %%ymm0\n\t"
      "vmovaps %%ymm0, %%ymm1\n\tvmovaps %%ymm0, %%ymm2\n\tvmovaps %%ymm0, %%ymm3\n\tvmovaps %%ymm0, %%ymm4\n\t"
      "vmovaps %%ymm0, %%ymm5\n\tvmovaps %%ymm0, %%ymm6\n\tvmovaps %%ymm0, %%ymm7\n\tvmovaps %%ymm0, %%ymm8\n\t"
      "vmovaps %%ymm0, %%ymm9\n\tvmovaps %%ymm0, %%ymm10\n\tvmovaps %%ymm0, %%ymm11\n\t"
      ".p2align 4\n"
      "1:\n\t"
      "vfmadd213ps %[y], %[x], %%ymm0\n\tvfmadd213ps %[y], %[x], %%ymm1\n\tvfmadd213ps %[y], %[x], %%ymm2\n\t"
      "vfmadd213ps %[y], %[x], %%ymm3\n\tvfmadd213ps %[y], %[x], %%ymm4\n\tvfmadd213ps %[y], %[x], %%ymm5\n\t"
      "vfmadd213ps %[y], %[x], %%ymm6\n\tvfmadd213ps %[y], %[x], %%ymm7\n\tvfmadd213ps %[y], %[x], %%ymm8\n\t"
      "vfmadd213ps %[y], %[x], %%ymm9\n\tvfmadd213ps %[y], %[x], %%ymm10\n\tvfmadd213ps %[y], %[x], %%ymm11\n\t"
      "dec %[n]\n\t"
      "jnz 1b\n\t"
      : [n] "+r"(rounds)
      : [x] "x"(x), [y] "x"(y)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11");
}

// A multiply-add of 16-bit pairs and the add into its accumulator, as the kernels do it: 16 products a pair of
// instructions. Three temporaries are enough, since register renaming gives each use its own.
void mac(int64_t rounds) noexcept {
  const __m256i x = _mm256_set1_epi16(3), y = _mm256_set1_epi16(5);
  asm volatile(
      "vpxor %%ymm0, %%ymm0, %%ymm0\n\t"
      "vmovdqa %%ymm0, %%ymm1\n\tvmovdqa %%ymm0, %%ymm2\n\tvmovdqa %%ymm0, %%ymm3\n\tvmovdqa %%ymm0, %%ymm4\n\t"
      "vmovdqa %%ymm0, %%ymm5\n\tvmovdqa %%ymm0, %%ymm6\n\tvmovdqa %%ymm0, %%ymm7\n\tvmovdqa %%ymm0, %%ymm8\n\t"
      ".p2align 4\n"
      "1:\n\t"
      "vpmaddwd %[x], %[y], %%ymm9\n\tvpmaddwd %[x], %[y], %%ymm10\n\tvpmaddwd %[x], %[y], %%ymm11\n\t"
      "vpaddd %%ymm9, %%ymm0, %%ymm0\n\tvpaddd %%ymm10, %%ymm1, %%ymm1\n\tvpaddd %%ymm11, %%ymm2, %%ymm2\n\t"
      "vpmaddwd %[x], %[y], %%ymm9\n\tvpmaddwd %[x], %[y], %%ymm10\n\tvpmaddwd %[x], %[y], %%ymm11\n\t"
      "vpaddd %%ymm9, %%ymm3, %%ymm3\n\tvpaddd %%ymm10, %%ymm4, %%ymm4\n\tvpaddd %%ymm11, %%ymm5, %%ymm5\n\t"
      "vpmaddwd %[x], %[y], %%ymm9\n\tvpmaddwd %[x], %[y], %%ymm10\n\tvpmaddwd %[x], %[y], %%ymm11\n\t"
      "vpaddd %%ymm9, %%ymm6, %%ymm6\n\tvpaddd %%ymm10, %%ymm7, %%ymm7\n\tvpaddd %%ymm11, %%ymm8, %%ymm8\n\t"
      "dec %[n]\n\t"
      "jnz 1b\n\t"
      : [n] "+r"(rounds)
      : [x] "x"(x), [y] "x"(y)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11");
}

// Bytes by bytes into sums of 16 bits, and the add into an accumulator: what a8 does for eight steps in a row. a7 has
// larger products, needs a third instruction, and can reach two thirds of this.
void byte_mac(int64_t rounds) noexcept {
  const __m256i x = _mm256_set1_epi8(3), y = _mm256_set1_epi8(5);
  asm volatile(
      ".p2align 4\n"
      "1:\n\t"
      "vpmaddubsw %[x], %[y], %%ymm9\n\t"
      "vpmaddubsw %[x], %[y], %%ymm10\n\t"
      "vpmaddubsw %[x], %[y], %%ymm11\n\t"
      "vpaddw %%ymm9, %%ymm0, %%ymm0\n\t"
      "vpaddw %%ymm10, %%ymm1, %%ymm1\n\t"
      "vpaddw %%ymm11, %%ymm2, %%ymm2\n\t"
      "vpmaddubsw %[x], %[y], %%ymm9\n\t"
      "vpmaddubsw %[x], %[y], %%ymm10\n\t"
      "vpmaddubsw %[x], %[y], %%ymm11\n\t"
      "vpaddw %%ymm9, %%ymm3, %%ymm3\n\t"
      "vpaddw %%ymm10, %%ymm4, %%ymm4\n\t"
      "vpaddw %%ymm11, %%ymm5, %%ymm5\n\t"
      "vpmaddubsw %[x], %[y], %%ymm9\n\t"
      "vpmaddubsw %[x], %[y], %%ymm10\n\t"
      "vpmaddubsw %[x], %[y], %%ymm11\n\t"
      "vpaddw %%ymm9, %%ymm6, %%ymm6\n\t"
      "vpaddw %%ymm10, %%ymm7, %%ymm7\n\t"
      "vpaddw %%ymm11, %%ymm8, %%ymm8\n\t"
      "dec %[n]\n\t"
      "jnz 1b\n\t"
      : [n] "+r"(rounds)
      : [x] "x"(x), [y] "x"(y)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11");
}

// kStreams places of the buffer at once, each prefetched kAhead bytes in front (0: left to the hardware). Which of them
// is fastest changes with the machine and with its neighbours: on a Zen 3 one stream read 18 GB/s and four 21.
template <int kStreams, int kAhead>
uint64_t read(const std::byte* data, int64_t bytes) noexcept {
  const int64_t part = bytes / kStreams;
  __m256i sum[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
  for (int64_t i = 0; i < part; i += 128)
    for (int s = 0; s < kStreams; ++s) {
      const std::byte* p = data + s * part + i;
      if constexpr (kAhead != 0) {
        _mm_prefetch(reinterpret_cast<const char*>(p + kAhead), _MM_HINT_T0);
        _mm_prefetch(reinterpret_cast<const char*>(p + kAhead + 64), _MM_HINT_T0);
      }
      for (int v = 0; v < 4; ++v)
        sum[v] = _mm256_xor_si256(sum[v], _mm256_load_si256(reinterpret_cast<const __m256i*>(p) + v));
    }
  const __m256i all = _mm256_xor_si256(_mm256_xor_si256(sum[0], sum[1]), _mm256_xor_si256(sum[2], sum[3]));
  alignas(32) uint64_t lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), all);
  return lanes[0] ^ lanes[1] ^ lanes[2] ^ lanes[3];
}

}  // namespace

extern const CeilingLoops ceiling_table_avx2;
const CeilingLoops ceiling_table_avx2 = {
    Isa::avx2,  fma,      12 * 8 * 2, mac,
    9 * 16 * 2, byte_mac, 9 * 32 * 2, {read<1, 0>, read<2, 512>, read<4, 256>, read<8, 256>}};

}  // namespace lathe::tune
