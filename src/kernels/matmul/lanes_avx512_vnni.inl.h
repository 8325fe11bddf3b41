// AVX-512 lanes whose integer dot product is one instruction, vpdpwssd with a broadcast operand, in place of three.

struct Avx512VnniLanes : Avx512Lanes {
  static constexpr Isa kIsa = Isa::avx512_vnni;

  template <int... R>
  static LATHE_INLINE void dot_rows(I* acc, const int16_t* a, const int16_t* b) {
    const __m512i w = _mm512_loadu_si512(b);
    (dot(acc[R], a + 2 * R, w), ...);
  }

 private:
  // Sums wrap modulo 2^32 as those of vpmaddwd and vpaddd do (vpdpwssds would saturate).
  static LATHE_INLINE void dot(I& acc, const int16_t* a, __m512i w) {
    asm volatile("vpdpwssd %1%{1to16%}, %2, %0" : "+v"(acc) : "m"(*reinterpret_cast<const int32_t*>(a)), "v"(w));
  }
};
