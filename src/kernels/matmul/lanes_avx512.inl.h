// The 16 lanes of a panel as one AVX-512 register. Needs AVX-512 F, BW, DQ and VL.

struct Avx512Lanes {
  static constexpr Isa kIsa = Isa::avx512;
  using F = __m512;
  using I = __m512i;
  using S = __m512;
  using B = __m512i;  // [16][4] bytes
  using H = __m512i;  // [16][2] s16: sums of products of bytes

  static F zero() { return _mm512_setzero_ps(); }
  static F load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, F x) { _mm512_storeu_ps(p, x); }
  static F set1(float x) { return _mm512_set1_ps(x); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F fmadd(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F fnmadd(F a, F b, F c) { return _mm512_fnmadd_ps(a, b, c); }
  static S broadcast(const float* p) { return _mm512_set1_ps(*p); }
  // Inline assembly for the reason that the AVX2 lanes give: g++ 12 mixes the forms and moves accumulators about.
  static void fma(F& acc, S a, F b) { asm("vfmadd231ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b)); }
  // A multiply-add may broadcast an element of A itself: fewer instructions and, with two panels, more loads. On Golden
  // Cove whose other thread is somebody else's, so that three instructions start in a cycle, 14x32 tiles reached 62 %
  // of the multiply-add rate with none of the rows so, 67 with 5 of 14, 70 with 7, 72 with 10, and 70 with all.
  static void fma_from(F& acc, const float* a, F b) {
    asm("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(acc) : "v"(b), "m"(*a));
  }
  // Golden Cove, one thread, weights cold, GB/s without and with 512, 1024, 2048, 3072 bytes ahead: q4_0 8.4 and 11.3,
  // 12, 11.7, 11.2; q4_k 9.3 and 8.9, 10.2, 12.8, 13.5; f32 9.9 and 11, 11.7, 11.9, 10.9 (13 read by the fastest loop).
  static constexpr int64_t kRowAhead = 2048;
  static constexpr bool multiplies_from_memory(int row, int panels) {
    return panels == 1 || (row + 1) * 5 / 7 > row * 5 / 7;
  }

  static I izero() { return _mm512_setzero_si512(); }
  static I iload(const int32_t* p) { return _mm512_loadu_si512(p); }
  static void istore(int32_t* p, I x) { _mm512_storeu_si512(p, x); }
  template <int... R>
  static LATHE_INLINE void dot_rows(I* acc, const int16_t* a, const int16_t* b) {
    const __m512i w = _mm512_loadu_si512(b);
    (dot(acc[R], a + 2 * R, w), ...);
  }
  static I load_sums(const int16_t* p) {  // each with a 0 beside it, as vpmaddwd takes them
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static I times_sums(const int32_t* zero, I sums) { return _mm512_madd_epi16(sums, _mm512_set1_epi32(*zero)); }
  template <int... R>
  static LATHE_INLINE void dot_rows_u7(I* acc, const uint8_t* a, const int8_t* w) {
    const __m512i b = _mm512_loadu_si512(w), ones = _mm512_set1_epi16(1);
    (dot_u7(acc[R], a + 4 * R, b, ones), ...);
  }
  static F to_float(I x) { return _mm512_cvtepi32_ps(x); }

  static B load_bytes(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static void store_bytes(uint8_t* p, B x) { _mm512_storeu_si512(p, x); }
  static B low_nibbles(B x) { return shifted<0>(x, 15); }
  static B high_nibbles(B x) { return shifted<-4>(x, 15); }
  template <int kBy>
  static B shifted(B x, uint8_t mask) {
    return _mm512_and_si512(shift<kBy>(x), _mm512_set1_epi8(static_cast<char>(mask)));
  }
  static B either(B x, B y) { return _mm512_or_si512(x, y); }
  static H no_products() { return izero(); }
  static LATHE_INLINE void add_product(H& acc, B codes, const int8_t* a) { add_codes(acc, codes, a); }
  template <int... R>
  static LATHE_INLINE void add_products(H* acc, const uint8_t* codes, const int8_t* a) {
    const B b = load_bytes(codes);
    (add_codes(acc[R], b, a + 4 * R), ...);
  }
  static I joined_products(H x) { return _mm512_madd_epi16(x, _mm512_set1_epi16(1)); }
  static F load_u8(const uint8_t* p) { return to_float(_mm512_cvtepu8_epi32(sixteen_bytes(p))); }
  static F load_s8(const int8_t* p) { return to_float(_mm512_cvtepi8_epi32(sixteen_bytes(p))); }

  static F load_bf16(const bf16* p) {
    const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
  }
  static F load_f16(const f16* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
  // Of [16][2] bf16 those that come first, and those that come second.
  static F load_even_b16(const uint32_t* p) { return _mm512_castsi512_ps(_mm512_slli_epi32(iload_b16(p), 16)); }
  static F load_odd_b16(const uint32_t* p) {
    return _mm512_castsi512_ps(_mm512_and_si512(iload_b16(p), _mm512_set1_epi32(static_cast<int>(0xffff0000u))));
  }
  static I iload_b16(const uint32_t* p) { return _mm512_loadu_si512(p); }
  static void store_bf16(bf16* p, F x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(round_bf16(x)));
  }
  // A [K,M] of f32, k_row apart: up to 16 columns and 32 k as rows of bf16, `row` apart; zeros behind the k that exist.
  static void turn_b16(const float* from, int64_t k_row, int64_t columns, int64_t k, bf16* to, int64_t row) {
    const __mmask16 lanes = first(columns);
    __m512 r[16];
    for (int p = 0; p < 16; ++p) {
      const __m512 low =
          _mm512_maskz_loadu_ps(2 * p < k ? lanes : __mmask16{0}, from + (2 * p < k ? 2 * p : 0) * k_row);
      const __m512 high =
          _mm512_maskz_loadu_ps(2 * p + 1 < k ? lanes : __mmask16{0}, from + (2 * p + 1 < k ? 2 * p + 1 : 0) * k_row);
      r[p] = _mm512_castsi512_ps(_mm512_or_si512(round_bf16(low), _mm512_slli_epi32(round_bf16(high), 16)));
    }
    transpose16(r);
    for (int64_t j = 0; j < columns; ++j) _mm512_storeu_ps(to + j * row, r[j]);
  }
  static void store_f16(f16* p, F x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
  }
  // Assembly: a function of nothing but a prefetch is one without effect to g++ 12, which drops its calls.
  static LATHE_INLINE void prefetch(const std::byte* p) { asm volatile("prefetcht1 %0" : : "m"(*p)); }
  static LATHE_INLINE void prefetch_near(const std::byte* p) { asm volatile("prefetcht0 %0" : : "m"(*p)); }

  static void widen4(const int8_t* from, int16_t* to) { split_pairs(_mm512_loadu_si512(from), to); }

  static void transpose(const float* from, int64_t ld, int64_t n, int64_t k, float* to) {
    turn(from, ld, n, k, to, 16, 0xffff);
  }
  static void interleave(const float* from, int64_t ld, int64_t rows, int64_t k, float* to) {
    if (rows == 1) return void(__builtin_memcpy(to, from, static_cast<size_t>(k) * sizeof(float)));
    turn(from, ld, rows, k, to, rows, first(rows));
  }

  // R rows of A, `row` apart, by one block of a panel, [K/4][16][4] bytes: eight columns a register, two partial sums
  // each.
  template <int R>
  static LATHE_INLINE void dot_blocks_q8(const int8_t* w, const int16_t* a, int64_t row, I* out) {
    I acc[R][2];
    for (auto& of_row : acc) of_row[0] = of_row[1] = izero();
    for (int g = 0; g < 8; ++g) {
      const __m512i columns = _mm512_loadu_si512(w + 64 * g);
      for (int r = 0; r < R; ++r) add_columns(acc[r], columns, four_k(a + r * row + 4 * g));
    }
    for (int r = 0; r < R; ++r) out[r] = join(acc[r][0], acc[r][1]);
  }

  static uint32_t max_magnitude(const float* x, int64_t n) {
    const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
    __m512i m = _mm512_setzero_si512();
    for (int64_t i = 0; i < n; i += 16)
      m = _mm512_max_epu32(m, _mm512_and_si512(_mm512_maskz_loadu_epi32(first(n - i), x + i), magnitude));
    return _mm512_reduce_max_epu32(m);
  }
  static void to_s16(const float* x, float inverse, int16_t* q) {
    for (int i = 0; i < kBlock; i += 16) {
      const __m512i rounded = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + i), _mm512_set1_ps(inverse)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(q + i), _mm512_cvtsepi32_epi16(rounded));
    }
  }
  static void to_s8(const float* x, float inverse, int8_t* q) {
    for (int i = 0; i < kBlock; i += 16) {
      const __m512i rounded = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + i), _mm512_set1_ps(inverse)));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(q + i), _mm512_cvtsepi32_epi8(rounded));
    }
  }
  static bool range(const float* x, float* low, float* high) {
    const __m512 a = _mm512_loadu_ps(x), b = _mm512_loadu_ps(x + 16), zero = _mm512_setzero_ps();
    *low = _mm512_reduce_min_ps(_mm512_min_ps(_mm512_min_ps(a, b), zero));
    *high = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(a, b), zero));
    return max_magnitude(x, kBlock) < 0x7f800000u;
  }
  static void to_u7(const float* x, float inverse, int32_t zero, uint8_t* q) {
    for (int i = 0; i < kBlock; i += 16) {
      const __m512i rounded = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + i), _mm512_set1_ps(inverse)));
      const __m512i u = _mm512_min_epi32(_mm512_add_epi32(rounded, _mm512_set1_epi32(zero)), _mm512_set1_epi32(127));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(q + i), _mm512_cvtepi32_epi8(u));
    }
  }
  static F activate(F x, Activation act) {
    const hwy::HWY_NAMESPACE::FixedTag<float, 16> d;
    const hwy::HWY_NAMESPACE::Vec<decltype(d)> v{x};
    switch (act) {
      case Activation::none:
        return x;
      case Activation::relu:
        return kernels::relu(d, v).raw;
      case Activation::gelu_erf:
        return kernels::gelu_erf(d, v).raw;
      case Activation::gelu_tanh:
        return kernels::gelu_tanh(d, v).raw;
      case Activation::silu:
        return kernels::silu(d, v).raw;
    }
    return x;
  }

 protected:
  // As words of 32 bits.
  static __m512i round_bf16(F x) {
    const __m512i u = _mm512_castps_si512(x), high = _mm512_srli_epi32(u, 16);
    const __m512i odd = _mm512_and_si512(high, _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), odd), 16);
    const __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    return _mm512_mask_or_epi32(rounded, nan, high, _mm512_set1_epi32(0x40));
  }

 private:
  static LATHE_INLINE void dot(I& acc, const int16_t* a, __m512i w) {
    __m512i x;
    asm volatile("vpbroadcastd %1, %0" : "=v"(x) : "m"(*reinterpret_cast<const int32_t*>(a)));
    asm volatile("vpmaddwd %2, %1, %1\n\tvpaddd %1, %0, %0" : "+v"(acc), "+v"(x) : "v"(w));
  }
  // As in the AVX2 lanes: two products of bytes fit s16 because u is at most 127.
  static LATHE_INLINE void dot_u7(I& acc, const uint8_t* a, __m512i w, __m512i ones) {
    __m512i x;
    asm volatile("vpbroadcastd %2, %1\n\tvpmaddubsw %3, %1, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"
                 : "+v"(acc), "=&v"(x)
                 : "m"(*reinterpret_cast<const int32_t*>(a)), "v"(w), "v"(ones));
  }
  static LATHE_INLINE void add_codes(H& acc, __m512i codes, const int8_t* a) {
    __m512i x;
    asm volatile("vpbroadcastd %2, %1\n\tvpmaddubsw %1, %3, %1\n\tvpaddw %1, %0, %0"
                 : "+v"(acc), "=&v"(x)
                 : "m"(*reinterpret_cast<const int32_t*>(a)), "v"(codes));
  }
  template <int kBy>
  static __m512i shift(__m512i x) {
    if constexpr (kBy > 0) return _mm512_slli_epi16(x, kBy);
    if constexpr (kBy < 0) return _mm512_srli_epi16(x, -kBy);
    return x;
  }
  static __m128i sixteen_bytes(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
  // The lanes that exist when `n` are left, 16 at most.
  static __mmask16 first(int64_t n) { return static_cast<__mmask16>(n >= 16 ? 0xffff : (1 << n) - 1); }
  // 16 columns of 4 k (bytes) -> pairs of k 0,1 at `to`, pairs of k 2,3 at `to` + 32, each [16][2] s16.
  static void split_pairs(__m512i x, int16_t* to) {
    const __m512i order = _mm512_set_epi16(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1,  //
                                           30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i y = _mm512_permutexvar_epi16(order, x);
    _mm512_storeu_si512(to, _mm512_cvtepi8_epi16(_mm512_castsi512_si256(y)));
    _mm512_storeu_si512(to + 32, _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(y, 1)));
  }
  static LATHE_INLINE __m512i four_k(const int16_t* a) {
    int64_t bits;
    __builtin_memcpy(&bits, a, 8);
    return _mm512_set1_epi64(bits);
  }
  static LATHE_INLINE void add_columns(I (&acc)[2], __m512i w, __m512i x) {
    acc[0] = _mm512_add_epi32(acc[0], _mm512_madd_epi16(_mm512_cvtepi8_epi16(_mm512_castsi512_si256(w)), x));
    acc[1] = _mm512_add_epi32(acc[1], _mm512_madd_epi16(_mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(w, 1)), x));
  }
  static LATHE_INLINE I join(I left, I right) {
    const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    return _mm512_add_epi32(_mm512_permutex2var_epi32(left, even, right), _mm512_permutex2var_epi32(left, odd, right));
  }

  // Up to 16 rows of k (ld apart) -> k rows, to_ld apart, of the lanes in `kept`; lanes of absent rows are zero.
  static void turn(const float* from, int64_t ld, int64_t rows, int64_t k, float* to, int64_t to_ld, __mmask16 kept) {
    for (int64_t i = 0; i < k; i += 16) {
      __m512 r[16];
      for (int j = 0; j < 16; ++j)
        r[j] = _mm512_maskz_loadu_ps(j < rows ? first(k - i) : __mmask16{0}, from + (j < rows ? j : 0) * ld + i);
      transpose16(r);
      for (int j = 0; j < 16; ++j)
        if (i + j < k) _mm512_mask_storeu_ps(to + (i + j) * to_ld, kept, r[j]);
    }
  }
  static LATHE_INLINE void transpose16(__m512 (&r)[16]) {
    __m512 t[16];
    for (int j = 0; j < 16; j += 2) {
      t[j] = _mm512_unpacklo_ps(r[j], r[j + 1]);
      t[j + 1] = _mm512_unpackhi_ps(r[j], r[j + 1]);
    }
    for (int j = 0; j < 16; j += 4) {  // now lane q of r[j + c], 128 bits, holds column 4q + c of rows j .. j + 3
      r[j] = _mm512_shuffle_ps(t[j], t[j + 2], 0x44);
      r[j + 1] = _mm512_shuffle_ps(t[j], t[j + 2], 0xEE);
      r[j + 2] = _mm512_shuffle_ps(t[j + 1], t[j + 3], 0x44);
      r[j + 3] = _mm512_shuffle_ps(t[j + 1], t[j + 3], 0xEE);
    }
    for (int c = 0; c < 4; ++c) {
      t[c] = _mm512_shuffle_f32x4(r[c], r[c + 4], 0x88);
      t[c + 4] = _mm512_shuffle_f32x4(r[c], r[c + 4], 0xDD);
      t[c + 8] = _mm512_shuffle_f32x4(r[c + 8], r[c + 12], 0x88);
      t[c + 12] = _mm512_shuffle_f32x4(r[c + 8], r[c + 12], 0xDD);
    }
    for (int c = 0; c < 4; ++c) {
      r[c] = _mm512_shuffle_f32x4(t[c], t[c + 8], 0x88);
      r[c + 4] = _mm512_shuffle_f32x4(t[c + 4], t[c + 12], 0x88);
      r[c + 8] = _mm512_shuffle_f32x4(t[c], t[c + 8], 0xDD);
      r[c + 12] = _mm512_shuffle_f32x4(t[c + 4], t[c + 12], 0xDD);
    }
  }
};
