// AVX-512 with its products of bf16. Behind lanes_avx512.inl.h.

struct Avx512Bf16Lanes : Avx512Lanes {
  static constexpr Isa kIsa = Isa::avx512_bf16;

  // Two rows of [16][2] as words of what comes first in both, the first row high, and of what comes second.
  static I join_even(I first, I second) {
    return _mm512_mask_blend_epi16(0x55555555, _mm512_slli_epi32(first, 16), second);
  }
  static I join_odd(I first, I second) {
    return _mm512_mask_blend_epi16(0x55555555, first, _mm512_srli_epi32(second, 16));
  }
  // Assembly for the reason that the lanes of AVX-512 give.
  static LATHE_INLINE void dot_b16(F& acc, I w, const uint32_t* a) {
    asm("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(acc) : "v"(w), "m"(*a));
  }
};
