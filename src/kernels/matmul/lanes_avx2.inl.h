// The 16 lanes of a panel as two AVX2 registers. Needs AVX2, FMA and F16C.

struct Avx2Lanes {
  static constexpr Isa kIsa = Isa::avx2;
  struct F {
    __m256 lo, hi;
  };
  struct I {
    __m256i lo, hi;
  };
  using S = __m256;
  using B = I;  // [16][4] bytes
  using H = I;  // [16][2] s16: sums of products of bytes

  static F zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static F load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static void store(float* p, F x) {
    _mm256_storeu_ps(p, x.lo);
    _mm256_storeu_ps(p + 8, x.hi);
  }
  static F set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static F mul(F a, F b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
  static F add(F a, F b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
  static F fmadd(F a, F b, F c) { return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)}; }
  static F fnmadd(F a, F b, F c) { return {_mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi)}; }
  static S broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  // Inline assembly, because g++ 12 otherwise picks the 132 form, swaps accumulators and spills them: the same tile
  // then runs at 70 % of this one.
  static void fma(F& acc, S a, F b) {
    asm("vfmadd231ps %2, %1, %0" : "+x"(acc.lo) : "x"(a), "x"(b.lo));
    asm("vfmadd231ps %2, %1, %0" : "+x"(acc.hi) : "x"(a), "x"(b.hi));
  }

  static I izero() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
  static I iload(const int32_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
  }
  static void istore(int32_t* p, I x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x.lo);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), x.hi);
  }
  template <int... R>
  static LATHE_INLINE void dot_rows(I* acc, const int16_t* a, const int16_t* b) {
    const __m256i lo = _mm256_load_si256(reinterpret_cast<const __m256i*>(b));
    const __m256i hi = _mm256_load_si256(reinterpret_cast<const __m256i*>(b + 16));
    (dot(acc[R], a + 2 * R, lo, hi), ...);
  }
  static I load_sums(const int16_t* p) {  // each with a 0 beside it, as vpmaddwd takes them
    return {_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
            _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
  }
  static I times_sums(const int32_t* zero, I sums) {
    const __m256i z = _mm256_set1_epi32(*zero);
    return {_mm256_madd_epi16(sums.lo, z), _mm256_madd_epi16(sums.hi, z)};
  }
  template <int... R>
  static LATHE_INLINE void dot_rows_u7(I* acc, const uint8_t* a, const int8_t* w) {
    const __m256i ones = _mm256_set1_epi16(1);
    (dot_u7(acc[R], a + 4 * R, w, ones), ...);
  }
  static F to_float(I x) { return {_mm256_cvtepi32_ps(x.lo), _mm256_cvtepi32_ps(x.hi)}; }

  static B load_bytes(const uint8_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
  }
  static void store_bytes(uint8_t* p, B x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x.lo);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 32), x.hi);
  }
  static B low_nibbles(B x) { return shifted<0>(x, 15); }
  static B high_nibbles(B x) { return shifted<-4>(x, 15); }
  template <int kBy>
  static B shifted(B x, uint8_t mask) {
    const __m256i m = _mm256_set1_epi8(static_cast<char>(mask));
    return {_mm256_and_si256(shift<kBy>(x.lo), m), _mm256_and_si256(shift<kBy>(x.hi), m)};
  }
  static B either(B x, B y) { return {_mm256_or_si256(x.lo, y.lo), _mm256_or_si256(x.hi, y.hi)}; }
  static H no_products() { return izero(); }
  static LATHE_INLINE void add_product(H& acc, B codes, const int8_t* a) { add_codes(acc, codes.lo, codes.hi, a); }
  template <int... R>
  static LATHE_INLINE void add_products(H* acc, const uint8_t* codes, const int8_t* a) {
    const B b = load_bytes(codes);
    (add_codes(acc[R], b.lo, b.hi, a + 4 * R), ...);
  }
  static I joined_products(H x) {
    const __m256i ones = _mm256_set1_epi16(1);
    return {_mm256_madd_epi16(x.lo, ones), _mm256_madd_epi16(x.hi, ones)};
  }
  static F load_u8(const uint8_t* p) {
    return to_float({_mm256_cvtepu8_epi32(eight_bytes(p)), _mm256_cvtepu8_epi32(eight_bytes(p + 8))});
  }
  static F load_s8(const int8_t* p) {
    return to_float({_mm256_cvtepi8_epi32(eight_bytes(p)), _mm256_cvtepi8_epi32(eight_bytes(p + 8))});
  }

  static F load_bf16(const bf16* p) { return {widen_bf16(p), widen_bf16(p + 8)}; }
  // Of [16][2] bf16 those that come first, and those that come second.
  static F load_even_b16(const uint32_t* p) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(words(p), 16)),
            _mm256_castsi256_ps(_mm256_slli_epi32(words(p + 8), 16))};
  }
  static F load_odd_b16(const uint32_t* p) {
    const __m256i high = _mm256_set1_epi32(static_cast<int>(0xffff0000u));
    return {_mm256_castsi256_ps(_mm256_and_si256(words(p), high)),
            _mm256_castsi256_ps(_mm256_and_si256(words(p + 8), high))};
  }
  static __m256i words(const uint32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static F load_f16(const f16* p) { return {widen_f16(p), widen_f16(p + 8)}; }
  static void store_bf16(bf16* p, F x) {
    narrow_bf16(p, x.lo);
    narrow_bf16(p + 8, x.hi);
  }
  static void store_f16(f16* p, F x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x.lo, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(x.hi, _MM_FROUND_TO_NEAREST_INT));
  }
  // Assembly, because g++ 12 takes a function of nothing but a prefetch for one without effect and drops its calls.
  static LATHE_INLINE void prefetch(const std::byte* p) { asm volatile("prefetcht1 %0" : : "m"(*p)); }
  static LATHE_INLINE void prefetch_near(const std::byte* p) { asm volatile("prefetcht0 %0" : : "m"(*p)); }

  static void widen4(const int8_t* from, int16_t* to) {
    for (int half = 0; half < 2; ++half)
      split_pairs(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 32 * half)), to + 16 * half);
  }
  static void transpose(const float* from, int64_t ld, int64_t n, int64_t k, float* to) {
    int64_t i = 0;
    for (; i + 8 <= k; i += 8) {
      transpose_square(from + i, ld, n, to + i * kPanel);
      transpose_square(from + 8 * ld + i, ld, n - 8, to + i * kPanel + 8);
    }
    for (; i < k; ++i)
      for (int64_t j = 0; j < kPanel; ++j) to[i * kPanel + j] = j < n ? from[j * ld + i] : 0.0f;
  }

  // Integer dot products of 32 k of R rows of A, `row` apart, with one block of a panel, [K/4][16][4] bytes: four
  // columns a register, two partial sums each, joined at the end. All columns at once, or, of three rows and more,
  // eight: two rows take 8 sums, 2 broadcasts, the weights and a product, four rows with half of the columns take 14
  // registers.
  template <int R>
  static LATHE_INLINE void dot_blocks_q8(const int8_t* w, const int16_t* a, int64_t row, I* out) {
    __m256i sum[R][4];
    if constexpr (R <= 2) {
      dot_columns<R, 0, 4>(w, a, row, sum);
    } else {
      dot_columns<R, 0, 2>(w, a, row, sum);
      dot_columns<R, 2, 2>(w, a, row, sum);
    }
    for (int r = 0; r < R; ++r)
      out[r] = {_mm256_permute4x64_epi64(_mm256_hadd_epi32(sum[r][0], sum[r][1]), 0xD8),
                _mm256_permute4x64_epi64(_mm256_hadd_epi32(sum[r][2], sum[r][3]), 0xD8)};
  }
  static void interleave(const float* from, int64_t ld, int64_t rows, int64_t k, float* to) {
    if (rows == 1) return void(__builtin_memcpy(to, from, static_cast<size_t>(k) * sizeof(float)));
    if (rows > 8) return ScalarLanes::interleave(from, ld, rows, k, to);
    // Eight k at a time, transposed; each store of 8 lanes overlaps the next k, which then overwrites the surplus.
    int64_t i = 0;
    for (; i + 8 <= k && (i + 7) * rows + 8 <= k * rows; i += 8) {
      __m256 r[8];
      for (int64_t j = 0; j < 8; ++j) r[j] = _mm256_loadu_ps(from + (j < rows ? j : 0) * ld + i);
      transpose8(r);
      for (int64_t j = 0; j < 8; ++j) _mm256_storeu_ps(to + (i + j) * rows, r[j]);
    }
    for (; i < k; ++i)
      for (int64_t j = 0; j < rows; ++j) to[i * rows + j] = from[j * ld + i];
  }

  static uint32_t max_magnitude(const float* x, int64_t n) {
    const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    __m256i m = _mm256_setzero_si256();
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
      m = _mm256_max_epu32(m, _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + i)), magnitude));
    alignas(32) uint32_t lanes[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), m);
    uint32_t largest = ScalarLanes::max_magnitude(x + i, n - i);
    for (const uint32_t lane : lanes)
      if (lane > largest) largest = lane;
    return largest;
  }
  static void to_s16(const float* x, float inverse, int16_t* q) {
    const __m256 f = _mm256_set1_ps(inverse);
    for (int i = 0; i < kBlock; i += 16) {
      const __m256i lo = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i), f));
      const __m256i hi = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i + 8), f));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(q + i),
                          _mm256_permute4x64_epi64(_mm256_packs_epi32(lo, hi), 0xD8));
    }
  }
  static void to_s8(const float* x, float inverse, int8_t* q) {
    const __m256 f = _mm256_set1_ps(inverse);
    const auto eight = [&](int at) LATHE_INLINE_LAMBDA {
      return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + at), f));
    };
    const __m256i bytes =
        _mm256_packs_epi16(_mm256_packs_epi32(eight(0), eight(8)), _mm256_packs_epi32(eight(16), eight(24)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(q),
                        _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
  }
  static bool range(const float* x, float* low, float* high) {
    const __m256 a = _mm256_loadu_ps(x), b = _mm256_loadu_ps(x + 8), c = _mm256_loadu_ps(x + 16),
                 d = _mm256_loadu_ps(x + 24), zero = _mm256_setzero_ps();
    const __m256 nan = _mm256_or_ps(_mm256_cmp_ps(a, b, _CMP_UNORD_Q), _mm256_cmp_ps(c, d, _CMP_UNORD_Q));
    const __m256 least = _mm256_min_ps(_mm256_min_ps(_mm256_min_ps(a, b), _mm256_min_ps(c, d)), zero);
    const __m256 most = _mm256_max_ps(_mm256_max_ps(_mm256_max_ps(a, b), _mm256_max_ps(c, d)), zero);
    // The largest of -x and of x, in the two halves of one register.
    const __m256 minus = _mm256_xor_ps(least, _mm256_set1_ps(-0.0f));
    __m256 top = _mm256_max_ps(_mm256_permute2f128_ps(minus, most, 0x20), _mm256_permute2f128_ps(minus, most, 0x31));
    top = _mm256_max_ps(top, _mm256_permute_ps(top, 0x4E));
    top = _mm256_max_ps(top, _mm256_permute_ps(top, 0xB1));
    *low = -_mm256_cvtss_f32(top);
    *high = _mm_cvtss_f32(_mm256_extractf128_ps(top, 1));
    return _mm256_movemask_ps(nan) == 0 && -*low <= 0x1.fffffep127f && *high <= 0x1.fffffep127f;
  }
  static void to_u7(const float* x, float inverse, int32_t zero, uint8_t* q) {
    const __m256 f = _mm256_set1_ps(inverse);
    const __m256i z = _mm256_set1_epi32(zero);
    const auto eight = [&](int at) LATHE_INLINE_LAMBDA {
      return _mm256_add_epi32(_mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + at), f)), z);
    };
    // Packing saturates at 127; it leaves the four quarters interleaved.
    const __m256i bytes =
        _mm256_packs_epi16(_mm256_packs_epi32(eight(0), eight(8)), _mm256_packs_epi32(eight(16), eight(24)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(q),
                        _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
  }
  static F activate(F x, Activation act) { return {activate_vector(x.lo, act), activate_vector(x.hi, act)}; }

 private:
  template <int kBy>
  static __m256i shift(__m256i x) {
    if constexpr (kBy > 0) return _mm256_slli_epi16(x, kBy);
    if constexpr (kBy < 0) return _mm256_srli_epi16(x, -kBy);
    return x;
  }
  static __m128i eight_bytes(const void* p) { return _mm_loadl_epi64(static_cast<const __m128i*>(p)); }
  // Assembly, because g++ 12 hoists all broadcasts of a block, regroups the additions and spills both.
  static LATHE_INLINE __m256i four_k(const int16_t* a) {
    __m256i x;
    asm volatile("vpbroadcastq %1, %0" : "=x"(x) : "m"(*reinterpret_cast<const int64_t*>(a)));
    return x;
  }
  static LATHE_INLINE void add_dot(__m256i& acc, __m256i w, __m256i a) {
    __m256i product;
    asm volatile("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(acc), "=&x"(product) : "x"(w), "x"(a));
  }
  // sum[r][j] of the registers of four columns from kFirst on.
  template <int R, int kFirst, int kCount>
  static LATHE_INLINE void dot_columns(const int8_t* w, const int16_t* a, int64_t row, __m256i (*sum)[4]) {
    __m256i acc[R][kCount];
    for (auto& of_row : acc)
      for (__m256i& of_columns : of_row) of_columns = _mm256_setzero_si256();
    for (int g = 0; g < 8; ++g) {
      __m256i x[R];
      for (int r = 0; r < R; ++r) x[r] = four_k(a + r * row + 4 * g);
      for (int j = 0; j < kCount; ++j) {
        const auto* p = reinterpret_cast<const __m128i*>(w + 64 * g + 16 * (kFirst + j));
        const __m256i columns = _mm256_cvtepi8_epi16(_mm_loadu_si128(p));
        for (int r = 0; r < R; ++r) add_dot(acc[r][j], columns, x[r]);
      }
    }
    for (int r = 0; r < R; ++r)
      for (int j = 0; j < kCount; ++j) sum[r][kFirst + j] = acc[r][j];
  }
  // Assembly again: left to itself g++ 12 regroups the additions and needs more registers than there are. One statement
  // for both halves, both products before both sums: 140 Gop/s from the first-level cache, where a statement for each
  // product and its sum ran at 126 with two accumulators in memory.
  static LATHE_INLINE void dot(I& acc, const int16_t* a, __m256i lo, __m256i hi) {
    __m256i x, y;
    asm volatile(
        "vpbroadcastd %4, %2\n\tvpmaddwd %5, %2, %3\n\tvpmaddwd %6, %2, %2\n\tvpaddd %3, %0, %0\n\tvpaddd %2, %1, %1"
        : "+x"(acc.lo), "+x"(acc.hi), "=&x"(x), "=&x"(y)
        : "m"(*reinterpret_cast<const int32_t*>(a)), "x"(lo), "x"(hi));
  }
  static LATHE_INLINE void add_codes(H& acc, __m256i lo, __m256i hi, const int8_t* a) {
    __m256i x, y;
    asm volatile(
        "vpbroadcastd %4, %2\n\tvpmaddubsw %2, %5, %3\n\tvpmaddubsw %2, %6, %2\n\tvpaddw %3, %0, %0\n\t"
        "vpaddw %2, %1, %1"
        : "+x"(acc.lo), "+x"(acc.hi), "=&x"(x), "=&x"(y)
        : "m"(*reinterpret_cast<const int32_t*>(a)), "x"(lo), "x"(hi));
  }
  // u is at most 127, so that two products of a byte each fit the s16 of vpmaddubsw: 2 * 127 * 128 < 2^15. The weights
  // are operands in memory: all registers are taken.
  static LATHE_INLINE void dot_u7(I& acc, const uint8_t* a, const int8_t* w, __m256i ones) {
    __m256i x, y;
    asm volatile(
        "vpbroadcastd %4, %2\n\tvpmaddubsw %5, %2, %3\n\tvpmaddubsw %6, %2, %2\n\tvpmaddwd %7, %3, %3\n\t"
        "vpmaddwd %7, %2, %2\n\tvpaddd %3, %0, %0\n\tvpaddd %2, %1, %1"
        : "+x"(acc.lo), "+x"(acc.hi), "=&x"(x), "=&x"(y)
        : "m"(*reinterpret_cast<const int32_t*>(a)), "m"(*reinterpret_cast<const __m256i_u*>(w)),
          "m"(*reinterpret_cast<const __m256i_u*>(w + 32)), "x"(ones));
  }
  static __m256 activate_vector(__m256 x, Activation act) {
    const hwy::HWY_NAMESPACE::FixedTag<float, 8> d;
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
  static __m256 widen_bf16(const bf16* p) {
    const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
  }
  static __m256 widen_f16(const f16* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static void narrow_bf16(bf16* p, __m256 x) {
    const __m256i u = _mm256_castps_si256(x);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    const __m256i rounded =
        _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(u, _mm256_set1_epi32(0x7fff)), odd), 16);
    const __m256i quiet = _mm256_or_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(0x40));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    const __m256i r = _mm256_blendv_epi8(rounded, quiet, nan);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_packus_epi32(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1)));
  }
  // 8 columns of 4 k (bytes) -> pairs of k 0,1 at `to`, pairs of k 2,3 at `to` + 32, each [8][2] s16.
  static void split_pairs(__m256i x, int16_t* to) {
    const __m256i order = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15,  //
                                           0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    const __m256i y = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(x, order), 0xD8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_cvtepi8_epi16(_mm256_castsi256_si128(y)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 32), _mm256_cvtepi8_epi16(_mm256_extracti128_si256(y, 1)));
  }
  static LATHE_INLINE void transpose8(__m256 (&r)[8]) {
    const __m256 t0 = _mm256_unpacklo_ps(r[0], r[1]), t1 = _mm256_unpackhi_ps(r[0], r[1]);
    const __m256 t2 = _mm256_unpacklo_ps(r[2], r[3]), t3 = _mm256_unpackhi_ps(r[2], r[3]);
    const __m256 t4 = _mm256_unpacklo_ps(r[4], r[5]), t5 = _mm256_unpackhi_ps(r[4], r[5]);
    const __m256 t6 = _mm256_unpacklo_ps(r[6], r[7]), t7 = _mm256_unpackhi_ps(r[6], r[7]);
    const __m256 u0 = _mm256_shuffle_ps(t0, t2, 0x44), u1 = _mm256_shuffle_ps(t0, t2, 0xEE);
    const __m256 u2 = _mm256_shuffle_ps(t1, t3, 0x44), u3 = _mm256_shuffle_ps(t1, t3, 0xEE);
    const __m256 u4 = _mm256_shuffle_ps(t4, t6, 0x44), u5 = _mm256_shuffle_ps(t4, t6, 0xEE);
    const __m256 u6 = _mm256_shuffle_ps(t5, t7, 0x44), u7 = _mm256_shuffle_ps(t5, t7, 0xEE);
    r[0] = _mm256_permute2f128_ps(u0, u4, 0x20);
    r[1] = _mm256_permute2f128_ps(u1, u5, 0x20);
    r[2] = _mm256_permute2f128_ps(u2, u6, 0x20);
    r[3] = _mm256_permute2f128_ps(u3, u7, 0x20);
    r[4] = _mm256_permute2f128_ps(u0, u4, 0x31);
    r[5] = _mm256_permute2f128_ps(u1, u5, 0x31);
    r[6] = _mm256_permute2f128_ps(u2, u6, 0x31);
    r[7] = _mm256_permute2f128_ps(u3, u7, 0x31);
  }
  // 8 columns of 8 k (f32, ld apart; `n` of them there, the rest zero) -> 8 rows of 8, 16 floats apart.
  static void transpose_square(const float* from, int64_t ld, int64_t n, float* to) {
    __m256 r[8];
    for (int64_t j = 0; j < 8; ++j) r[j] = j < n ? _mm256_loadu_ps(from + j * ld) : _mm256_setzero_ps();
    transpose8(r);
    for (int64_t j = 0; j < 8; ++j) _mm256_storeu_ps(to + j * kPanel, r[j]);
  }
};
