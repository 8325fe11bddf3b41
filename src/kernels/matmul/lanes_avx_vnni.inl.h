// AVX2 lanes whose integer dot product is vpdpwssd, in place of vpmaddwd and vpaddd.

struct AvxVnniLanes : Avx2Lanes {
  static constexpr Isa kIsa = Isa::avx_vnni;
  static constexpr int64_t kRowAhead = 2048;  // as for AVX-512; Zen 3, which prefers none, has no such instructions

  template <int... R>
  static LATHE_INLINE void dot_rows(I* acc, const int16_t* a, const int16_t* b) {
    const __m256i lo = _mm256_load_si256(reinterpret_cast<const __m256i*>(b));
    const __m256i hi = _mm256_load_si256(reinterpret_cast<const __m256i*>(b + 16));
    (dot(acc[R], a + 2 * R, lo, hi), ...);
  }

  template <int... R>
  static LATHE_INLINE void dot_rows_u7(I* acc, const uint8_t* a, const int8_t* w) {
    const __m256i lo = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w));
    const __m256i hi = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 32));
    (dot_u7(acc[R], a + 4 * R, lo, hi), ...);
  }

  // Straight into s32, exact as well.
  static LATHE_INLINE void add_product(H& acc, B codes, const int8_t* a) { add_codes(acc, codes.lo, codes.hi, a); }
  template <int... R>
  static LATHE_INLINE void add_products(H* acc, const uint8_t* codes, const int8_t* a) {
    const B b = load_bytes(codes);
    (add_codes(acc[R], b.lo, b.hi, a + 4 * R), ...);
  }
  static I joined_products(H x) { return x; }

 private:
  static LATHE_INLINE void add_codes(H& acc, __m256i lo, __m256i hi, const int8_t* a) {
    __m256i x;
    asm volatile("vpbroadcastd %3, %2\n\t%{vex%} vpdpbusd %2, %4, %0\n\t%{vex%} vpdpbusd %2, %5, %1"
                 : "+x"(acc.lo), "+x"(acc.hi), "=&x"(x)
                 : "m"(*reinterpret_cast<const int32_t*>(a)), "x"(lo), "x"(hi));
  }
  static LATHE_INLINE void dot_u7(I& acc, const uint8_t* a, __m256i lo, __m256i hi) {
    __m256i x;
    asm volatile("vpbroadcastd %3, %2\n\t%{vex%} vpdpbusd %4, %2, %0\n\t%{vex%} vpdpbusd %5, %2, %1"
                 : "+x"(acc.lo), "+x"(acc.hi), "=&x"(x)
                 : "m"(*reinterpret_cast<const int32_t*>(a)), "x"(lo), "x"(hi));
  }
  // The VEX form by name: without the prefix the assembler picks EVEX, which these CPUs lack. One statement for all
  // three, or g++ 12 keeps one of the twelve accumulators in memory.
  static LATHE_INLINE void dot(I& acc, const int16_t* a, __m256i lo, __m256i hi) {
    __m256i x;
    asm volatile("vpbroadcastd %3, %2\n\t%{vex%} vpdpwssd %4, %2, %0\n\t%{vex%} vpdpwssd %5, %2, %1"
                 : "+x"(acc.lo), "+x"(acc.hi), "=&x"(x)
                 : "m"(*reinterpret_cast<const int32_t*>(a)), "x"(lo), "x"(hi));
  }
};
