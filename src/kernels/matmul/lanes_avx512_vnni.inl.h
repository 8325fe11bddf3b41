// AVX-512 lanes whose integer dot product is one instruction, vpdpwssd with a broadcast operand, in place of three.

struct Avx512VnniLanes : Avx512Lanes {
  static constexpr Isa kIsa = Isa::avx512_vnni;

  template <int... R>
  static LATHE_INLINE void dot_rows(I* acc, const int16_t* a, const int16_t* b) {
    const __m512i w = _mm512_loadu_si512(b);
    (dot(acc[R], a + 2 * R, w), ...);
  }

  template <int... R>
  static LATHE_INLINE void dot_rows_u7(I* acc, const uint8_t* a, const int8_t* w) {
    const __m512i b = _mm512_loadu_si512(w);
    (dot_u7(acc[R], a + 4 * R, b), ...);
  }

  // Straight into s32, exact as well.
  static LATHE_INLINE void add_product(H& acc, B codes, const int8_t* a) { add_codes(acc, codes, a); }
  template <int... R>
  static LATHE_INLINE void add_products(H* acc, const uint8_t* codes, const int8_t* a) {
    const B b = load_bytes(codes);
    (add_codes(acc[R], b, a + 4 * R), ...);
  }
  static I joined_products(H x) { return x; }

 private:
  static LATHE_INLINE void add_codes(H& acc, __m512i codes, const int8_t* a) {
    asm volatile("vpdpbusd %1%{1to16%}, %2, %0" : "+v"(acc) : "m"(*reinterpret_cast<const int32_t*>(a)), "v"(codes));
  }
  // The unsigned operand is the first, which cannot be broadcast from memory.
  static LATHE_INLINE void dot_u7(I& acc, const uint8_t* a, __m512i w) {
    __m512i x;
    asm volatile("vpbroadcastd %2, %1\n\tvpdpbusd %3, %1, %0"
                 : "+v"(acc), "=&v"(x)
                 : "m"(*reinterpret_cast<const int32_t*>(a)), "v"(w));
  }
  // Sums wrap modulo 2^32 as those of vpmaddwd and vpaddd do (vpdpwssds would saturate).
  static LATHE_INLINE void dot(I& acc, const int16_t* a, __m512i w) {
    asm volatile("vpdpwssd %1%{1to16%}, %2, %0" : "+v"(acc) : "m"(*reinterpret_cast<const int32_t*>(a)), "v"(w));
  }
};
