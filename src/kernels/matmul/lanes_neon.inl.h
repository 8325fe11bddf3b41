// The 16 lanes of a panel as four NEON registers of 128 bits. AArch64's base: every such CPU has it.

struct NeonLanes {
  static constexpr Isa kIsa = Isa::neon;
  // Named, because g++ 12 keeps arrays of registers in memory too, and stores them in every turn of a loop.
  struct F {
    float32x4_t a, b, c, d;
  };
  struct I {
    int32x4_t a, b, c, d;
  };
  using S = float;  // the first element of a register
  struct B {        // [16][4] bytes, four columns a register
    uint8x16_t a, b, c, d;
  };
  using H = I;  // straight into s32

  static F zero() { return set1(0.0f); }
  static F load(const float* p) { return {vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}; }
  static void store(float* p, const F& x) {
    vst1q_f32(p, x.a);
    vst1q_f32(p + 4, x.b);
    vst1q_f32(p + 8, x.c);
    vst1q_f32(p + 12, x.d);
  }
  static F set1(float x) {
    const float32x4_t v = vdupq_n_f32(x);
    return {v, v, v, v};
  }
  static F mul(const F& a, const F& b) {
    return map<F>([](auto x, auto y) LATHE_INLINE_LAMBDA { return vmulq_f32(x, y); }, a, b);
  }
  static F add(const F& a, const F& b) {
    return map<F>([](auto x, auto y) LATHE_INLINE_LAMBDA { return vaddq_f32(x, y); }, a, b);
  }
  static F fmadd(const F& a, const F& b, const F& c) {
    return map<F>([](auto x, auto y, auto z) LATHE_INLINE_LAMBDA { return vfmaq_f32(z, x, y); }, a, b, c);
  }
  static F fnmadd(const F& a, const F& b, const F& c) {
    return map<F>([](auto x, auto y, auto z) LATHE_INLINE_LAMBDA { return vfmsq_f32(z, x, y); }, a, b, c);
  }
  static S broadcast(const float* p) { return *p; }
  static LATHE_INLINE void fma(F& acc, S s, const F& w) {
    acc = map<F>([s](auto sum, auto x) LATHE_INLINE_LAMBDA { return vfmaq_n_f32(sum, x, s); }, acc, w);
  }

  static I izero() {
    const int32x4_t v = vdupq_n_s32(0);
    return {v, v, v, v};
  }
  static I iload(const int32_t* p) { return {vld1q_s32(p), vld1q_s32(p + 4), vld1q_s32(p + 8), vld1q_s32(p + 12)}; }
  static void istore(int32_t* p, const I& x) {
    vst1q_s32(p, x.a);
    vst1q_s32(p + 4, x.b);
    vst1q_s32(p + 8, x.c);
    vst1q_s32(p + 12, x.d);
  }
  // The pairs of the weights apart, so that a row takes two multiply-adds by element for four columns.
  template <int... R>
  static LATHE_INLINE void dot_rows(I* acc, const int16_t* a, const int16_t* b) {
    const int16x8x2_t lo = vld2q_s16(b), hi = vld2q_s16(b + 16);
    (dot(acc[R], a + 2 * R, lo, hi), ...);
  }
  static I load_sums(const int16_t* p) {
    const int16x8_t lo = vld1q_s16(p), hi = vld1q_s16(p + 8);
    return {vmovl_s16(vget_low_s16(lo)), vmovl_high_s16(lo), vmovl_s16(vget_low_s16(hi)), vmovl_high_s16(hi)};
  }
  static I times_sums(const int32_t* zero, const I& sums) {
    return map<I>([z = *zero](auto x) LATHE_INLINE_LAMBDA { return vmulq_n_s32(x, z); }, sums);
  }
  // u is at most 127, so it is an s8, and two products of a byte each fit s16: 2 * 127 * 128 < 2^15.
  template <int... R>
  static LATHE_INLINE void dot_rows_u7(I* acc, const uint8_t* a, const int8_t* w) {
    const B b = load_bytes(reinterpret_cast<const uint8_t*>(w));
    (add_bytes(acc[R], b, four_bytes(a + 4 * R)), ...);
  }
  static F to_float(const I& x) {
    return map<F>([](auto v) LATHE_INLINE_LAMBDA { return vcvtq_f32_s32(v); }, x);
  }

  static B load_bytes(const uint8_t* p) { return {vld1q_u8(p), vld1q_u8(p + 16), vld1q_u8(p + 32), vld1q_u8(p + 48)}; }
  static void store_bytes(uint8_t* p, const B& x) {
    vst1q_u8(p, x.a);
    vst1q_u8(p + 16, x.b);
    vst1q_u8(p + 32, x.c);
    vst1q_u8(p + 48, x.d);
  }
  static B low_nibbles(const B& x) { return shifted<0>(x, 15); }
  static B high_nibbles(const B& x) { return shifted<-4>(x, 15); }
  template <int kBy>
  static B shifted(const B& x, uint8_t mask) {
    const uint8x16_t m = vdupq_n_u8(mask);
    return map<B>([m](auto v) LATHE_INLINE_LAMBDA { return vandq_u8(shift<kBy>(v), m); }, x);
  }
  static B either(const B& x, const B& y) {
    return map<B>([](auto v, auto w) LATHE_INLINE_LAMBDA { return vorrq_u8(v, w); }, x, y);
  }
  static H no_products() { return izero(); }
  // Codes are below 128, so they are s8 as they stand.
  static LATHE_INLINE void add_product(H& acc, const B& codes, const int8_t* a) {
    add_bytes(acc, codes, four_bytes(a));
  }
  template <int... R>
  static LATHE_INLINE void add_products(H* acc, const uint8_t* codes, const int8_t* a) {
    const B b = load_bytes(codes);
    (add_bytes(acc[R], b, four_bytes(a + 4 * R)), ...);
  }
  static I joined_products(const H& x) { return x; }
  static F load_u8(const uint8_t* p) {
    const uint8x16_t x = vld1q_u8(p);
    const uint16x8_t lo = vmovl_u8(vget_low_u8(x)), hi = vmovl_high_u8(x);
    return {vcvtq_f32_u32(vmovl_u16(vget_low_u16(lo))), vcvtq_f32_u32(vmovl_high_u16(lo)),
            vcvtq_f32_u32(vmovl_u16(vget_low_u16(hi))), vcvtq_f32_u32(vmovl_high_u16(hi))};
  }
  static F load_s8(const int8_t* p) {
    const int8x16_t x = vld1q_s8(p);
    const int16x8_t lo = vmovl_s8(vget_low_s8(x)), hi = vmovl_high_s8(x);
    return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(lo))), vcvtq_f32_s32(vmovl_high_s16(lo)),
            vcvtq_f32_s32(vmovl_s16(vget_low_s16(hi))), vcvtq_f32_s32(vmovl_high_s16(hi))};
  }

  static F load_bf16(const bf16* p) {
    const uint16x8_t lo = vld1q_u16(reinterpret_cast<const uint16_t*>(p)),
                     hi = vld1q_u16(reinterpret_cast<const uint16_t*>(p + 8));
    return {bits(vshll_n_u16(vget_low_u16(lo), 16)), bits(vshll_high_n_u16(lo, 16)),
            bits(vshll_n_u16(vget_low_u16(hi), 16)), bits(vshll_high_n_u16(hi, 16))};
  }
  // Of [16][2] bf16 those that come first, and those that come second.
  static F load_even_b16(const uint32_t* p) {
    return {bits(vshlq_n_u32(vld1q_u32(p), 16)), bits(vshlq_n_u32(vld1q_u32(p + 4), 16)),
            bits(vshlq_n_u32(vld1q_u32(p + 8), 16)), bits(vshlq_n_u32(vld1q_u32(p + 12), 16))};
  }
  static F load_odd_b16(const uint32_t* p) {
    const uint32x4_t high = vdupq_n_u32(0xffff0000u);
    return {bits(vandq_u32(vld1q_u32(p), high)), bits(vandq_u32(vld1q_u32(p + 4), high)),
            bits(vandq_u32(vld1q_u32(p + 8), high)), bits(vandq_u32(vld1q_u32(p + 12), high))};
  }
  static F load_f16(const f16* p) {
    const float16x8_t lo = vreinterpretq_f16_u16(vld1q_u16(reinterpret_cast<const uint16_t*>(p))),
                      hi = vreinterpretq_f16_u16(vld1q_u16(reinterpret_cast<const uint16_t*>(p + 8)));
    return {vcvt_f32_f16(vget_low_f16(lo)), vcvt_high_f32_f16(lo), vcvt_f32_f16(vget_low_f16(hi)),
            vcvt_high_f32_f16(hi)};
  }
  static void store_bf16(bf16* p, const F& x) {
    auto* to = reinterpret_cast<uint16_t*>(p);
    vst1q_u16(to, vcombine_u16(narrow_bf16(x.a), narrow_bf16(x.b)));
    vst1q_u16(to + 8, vcombine_u16(narrow_bf16(x.c), narrow_bf16(x.d)));
  }
  static void store_f16(f16* p, const F& x) {
    auto* to = reinterpret_cast<uint16_t*>(p);
    vst1q_u16(to, vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(x.a), x.b)));
    vst1q_u16(to + 8, vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(x.c), x.d)));
  }
  // Assembly, because g++ 12 takes a function of nothing but a prefetch for one without effect and drops its calls.
  static LATHE_INLINE void prefetch(const std::byte* p) { asm volatile("prfm pldl2keep, %0" : : "Q"(*p)); }
  static LATHE_INLINE void prefetch_near(const std::byte* p) { asm volatile("prfm pldl1keep, %0" : : "Q"(*p)); }

  static void widen4(const int8_t* from, int16_t* to) {
    for (int half = 0; half < 2; ++half) {  // eight columns: the pairs of k 0,1 and those of k 2,3
      const uint16x8x2_t pairs = vld2q_u16(reinterpret_cast<const uint16_t*>(from + 32 * half));
      for (int i = 0; i < 2; ++i) {
        const int8x16_t bytes = vreinterpretq_s8_u16(pairs.val[i]);
        vst1q_s16(to + 32 * i + 16 * half, vmovl_s8(vget_low_s8(bytes)));
        vst1q_s16(to + 32 * i + 16 * half + 8, vmovl_high_s8(bytes));
      }
    }
  }
  static void transpose(const float* from, int64_t ld, int64_t n, int64_t k, float* to) {
    int64_t i = 0;
    for (; i + 4 <= k; i += 4)
      for (int64_t j = 0; j < kPanel; j += 4) transpose_square(from + j * ld + i, ld, n - j, to + i * kPanel + j);
    for (; i < k; ++i)
      for (int64_t j = 0; j < kPanel; ++j) to[i * kPanel + j] = j < n ? from[j * ld + i] : 0.0f;
  }

  // The bytes by their place among four k: a register for 16 columns, of which each half widens into s16 and is
  // multiplied by an element of A.
  template <int R>
  static LATHE_INLINE void dot_blocks_q8(const int8_t* w, const int16_t* a, int64_t row, I* out) {
    I acc[R];
    for (I& sums : acc) sums = izero();
    for (int g = 0; g < 8; ++g) {
      const int8x16x4_t b = vld4q_s8(w + 64 * g);
      int16x4_t x[R];
      for (int r = 0; r < R; ++r) x[r] = vld1_s16(a + r * row + 4 * g);
      const auto k = [&](auto i) LATHE_INLINE_LAMBDA {
        const int16x8_t lo = vmovl_s8(vget_low_s8(b.val[i.value])), hi = vmovl_high_s8(b.val[i.value]);
        for (int r = 0; r < R; ++r) add_element<i.value>(acc[r], lo, hi, x[r]);
      };
      k(std::integral_constant<int, 0>{});
      k(std::integral_constant<int, 1>{});
      k(std::integral_constant<int, 2>{});
      k(std::integral_constant<int, 3>{});
    }
    for (int r = 0; r < R; ++r) out[r] = acc[r];
  }
  static void interleave(const float* from, int64_t ld, int64_t rows, int64_t k, float* to) {
    if (rows == 1) return void(__builtin_memcpy(to, from, static_cast<size_t>(k) * sizeof(float)));
    if (rows > 8) return ScalarLanes::interleave(from, ld, rows, k, to);
    // Four k at a time, transposed; each store of 8 lanes overlaps the next k, which then overwrites the surplus.
    int64_t i = 0;
    for (; i + 4 <= k && (i + 3) * rows + 8 <= k * rows; i += 4) {
      float32x4_t low[4], high[4];
      for (int64_t j = 0; j < 4; ++j) {
        low[j] = vld1q_f32(from + (j < rows ? j : 0) * ld + i);
        high[j] = vld1q_f32(from + (j + 4 < rows ? j + 4 : 0) * ld + i);
      }
      transpose4(low);
      transpose4(high);
      for (int64_t j = 0; j < 4; ++j) {
        vst1q_f32(to + (i + j) * rows, low[j]);
        vst1q_f32(to + (i + j) * rows + 4, high[j]);
      }
    }
    for (; i < k; ++i)
      for (int64_t j = 0; j < rows; ++j) to[i * rows + j] = from[j * ld + i];
  }

  static uint32_t max_magnitude(const float* x, int64_t n) {
    uint32x4_t m = vdupq_n_u32(0);
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
      m = vmaxq_u32(m, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(x + i)), vdupq_n_u32(0x7fffffffu)));
    const uint32_t rest = ScalarLanes::max_magnitude(x + i, n - i), largest = vmaxvq_u32(m);
    return largest > rest ? largest : rest;
  }
  static void to_s16(const float* x, float inverse, int16_t* q) {
    for (int i = 0; i < kBlock; i += 8)
      vst1q_s16(q + i, vcombine_s16(vqmovn_s32(rounded(x + i, inverse)), vqmovn_s32(rounded(x + i + 4, inverse))));
  }
  static void to_s8(const float* x, float inverse, int8_t* q) {
    for (int i = 0; i < kBlock; i += 8)
      vst1_s8(q + i,
              vqmovn_s16(vcombine_s16(vqmovn_s32(rounded(x + i, inverse)), vqmovn_s32(rounded(x + i + 4, inverse)))));
  }
  static bool range(const float* x, float* low, float* high) {
    float32x4_t least = vdupq_n_f32(0.0f), most = least;
    for (int i = 0; i < kBlock; i += 4) {  // a NaN stays one
      const float32x4_t v = vld1q_f32(x + i);
      least = vminq_f32(least, v);
      most = vmaxq_f32(most, v);
    }
    *low = vminvq_f32(least);
    *high = vmaxvq_f32(most);
    return -*low <= 0x1.fffffep127f && *high <= 0x1.fffffep127f;
  }
  static void to_u7(const float* x, float inverse, int32_t zero, uint8_t* q) {
    const int32x4_t z = vdupq_n_s32(zero);
    for (int i = 0; i < kBlock; i += 8) {
      const int16x4_t a = vqmovn_s32(vaddq_s32(rounded(x + i, inverse), z)),
                      b = vqmovn_s32(vaddq_s32(rounded(x + i + 4, inverse), z));
      vst1_u8(q + i, vreinterpret_u8_s8(vqmovn_s16(vcombine_s16(a, b))));  // saturates at 127
    }
  }
  static F activate(const F& x, Activation act) {
    return map<F>([act](auto v) LATHE_INLINE_LAMBDA { return activate_vector(v, act); }, x);
  }

 protected:
  // f of the registers of `of`, one after the other.
  template <class To, class Fn, class... From>
  static LATHE_INLINE To map(Fn f, const From&... of) {
    return {f(of.a...), f(of.b...), f(of.c...), f(of.d...)};
  }
  static LATHE_INLINE int8x16_t four_bytes(const void* p) {
    int32_t x;
    __builtin_memcpy(&x, p, sizeof x);
    return vreinterpretq_s8_s32(vdupq_n_s32(x));
  }

 private:
  static float32x4_t bits(uint32x4_t x) { return vreinterpretq_f32_u32(x); }
  template <int kBy>
  static uint8x16_t shift(uint8x16_t x) {
    if constexpr (kBy > 0) return vshlq_n_u8(x, kBy);
    if constexpr (kBy < 0) return vshrq_n_u8(x, -kBy);
    return x;
  }
  template <int kElement>
  static LATHE_INLINE void add_element(I& acc, int16x8_t lo, int16x8_t hi, int16x4_t a) {
    acc.a = vmlal_lane_s16(acc.a, vget_low_s16(lo), a, kElement);
    acc.b = vmlal_high_lane_s16(acc.b, lo, a, kElement);
    acc.c = vmlal_lane_s16(acc.c, vget_low_s16(hi), a, kElement);
    acc.d = vmlal_high_lane_s16(acc.d, hi, a, kElement);
  }
  static LATHE_INLINE void dot(I& acc, const int16_t* a, const int16x8x2_t& lo, const int16x8x2_t& hi) {
    int32_t pair;
    __builtin_memcpy(&pair, a, sizeof pair);
    const int16x4_t x = vreinterpret_s16_s32(vdup_n_s32(pair));
    add_element<0>(acc, lo.val[0], hi.val[0], x);
    add_element<1>(acc, lo.val[1], hi.val[1], x);
  }
  // Four columns of four bytes a register: products in s16, neighbours added there, and those two into the sum.
  static LATHE_INLINE void add_bytes(I& acc, const B& b, int8x16_t x) {
    const auto add = [x](int32x4_t sum, uint8x16_t codes) LATHE_INLINE_LAMBDA {
      const int8x16_t w = vreinterpretq_s8_u8(codes);
      const int16x8_t lo = vmull_s8(vget_low_s8(w), vget_low_s8(x)), hi = vmull_high_s8(w, x);
      return vpadalq_s16(sum, vpaddq_s16(lo, hi));
    };
    acc = map<I>(add, acc, b);
  }
  static int32x4_t rounded(const float* x, float inverse) { return vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x), inverse)); }
  static uint16x4_t narrow_bf16(float32x4_t x) {
    const uint32x4_t u = vreinterpretq_u32_f32(x), kept = vshrq_n_u32(u, 16);
    const uint32x4_t odd = vandq_u32(kept, vdupq_n_u32(1));
    const uint32x4_t near = vshrq_n_u32(vaddq_u32(u, vaddq_u32(odd, vdupq_n_u32(0x7fff))), 16);
    const uint32x4_t quiet = vorrq_u32(kept, vdupq_n_u32(0x40));
    return vmovn_u32(vbslq_u32(vceqq_f32(x, x), near, quiet));
  }
  static float32x4_t activate_vector(float32x4_t x, Activation act) {
    const hwy::HWY_NAMESPACE::FixedTag<float, 4> d;
    const hwy::HWY_NAMESPACE::Vec<decltype(d)> v(x);
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
  static LATHE_INLINE void transpose4(float32x4_t (&r)[4]) {
    const float32x4_t t0 = vtrn1q_f32(r[0], r[1]), t1 = vtrn2q_f32(r[0], r[1]);
    const float32x4_t t2 = vtrn1q_f32(r[2], r[3]), t3 = vtrn2q_f32(r[2], r[3]);
    const auto wide = [](float32x4_t x) LATHE_INLINE_LAMBDA { return vreinterpretq_f64_f32(x); };
    r[0] = vreinterpretq_f32_f64(vtrn1q_f64(wide(t0), wide(t2)));
    r[1] = vreinterpretq_f32_f64(vtrn1q_f64(wide(t1), wide(t3)));
    r[2] = vreinterpretq_f32_f64(vtrn2q_f64(wide(t0), wide(t2)));
    r[3] = vreinterpretq_f32_f64(vtrn2q_f64(wide(t1), wide(t3)));
  }
  // 4 columns of 4 k (f32, ld apart; `n` of them there, the rest zero) -> 4 rows of 4, 16 floats apart.
  static void transpose_square(const float* from, int64_t ld, int64_t n, float* to) {
    float32x4_t r[4];
    for (int64_t j = 0; j < 4; ++j) r[j] = j < n ? vld1q_f32(from + j * ld) : vdupq_n_f32(0.0f);
    transpose4(r);
    for (int64_t j = 0; j < 4; ++j) vst1q_f32(to + j * kPanel, r[j]);
  }
};
