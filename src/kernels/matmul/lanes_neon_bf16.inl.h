// NEON with the matrix product of bf16: two rows of A by two columns, four k of each, in one instruction.

struct NeonBf16Lanes : NeonLanes {
  static constexpr Isa kIsa = Isa::neon_bf16;
  // Sums of two rows by a panel; a register holds two columns of the first row and then of the second.
  struct Pair {
    float32x4_t a, b, c, d, e, f, g, h;
  };

  // From and to rows of 16 floats; a row without a next one is its own, and is stored alone.
  static LATHE_INLINE Pair load_pair(const float* first, const float* second) {
    const auto two = [&](int j) LATHE_INLINE_LAMBDA { return vcombine_f32(vld1_f32(first + j), vld1_f32(second + j)); };
    return {two(0), two(2), two(4), two(6), two(8), two(10), two(12), two(14)};
  }
  template <bool kBoth>
  static LATHE_INLINE void store_pair(const Pair& x, float* first, float* second) {
    const auto two = [&](int j, float32x4_t v) LATHE_INLINE_LAMBDA {
      vst1_f32(first + j, vget_low_f32(v));
      if constexpr (kBoth) vst1_f32(second + j, vget_high_f32(v));
    };
    two(0, x.a), two(2, x.b), two(4, x.c), two(6, x.d), two(8, x.e), two(10, x.f), two(12, x.g), two(14, x.h);
  }
  // acc[p] += four k of rows 2p, 2p + 1 by four k of 16 columns, two words of each. Four columns at a time: 24 sums of
  // six rows, 3 registers of A and 4 of weights are 31 of the 32.
  template <int kRows, int... P>
  static LATHE_INLINE void add_pairs(Pair* acc, const uint32_t* a, const uint32_t* w) {
    const bfloat16x8_t x[] = {two_rows<kRows, P>(a)...};
    const auto four = [&](float32x4_t Pair::*low, float32x4_t Pair::*high, int at) LATHE_INLINE_LAMBDA {
      const uint32x4_t even = vld1q_u32(w + at), odd = vld1q_u32(w + kPanel + at);
      const bfloat16x8_t first = halves(vzip1q_u32(even, odd)), second = halves(vzip2q_u32(even, odd));
      ((acc[P].*low = vbfmmlaq_f32(acc[P].*low, x[P], first)), ...);
      ((acc[P].*high = vbfmmlaq_f32(acc[P].*high, x[P], second)), ...);
    };
    four(&Pair::a, &Pair::b, 0);
    four(&Pair::c, &Pair::d, 4);
    four(&Pair::e, &Pair::f, 8);
    four(&Pair::g, &Pair::h, 12);
  }

 private:
  static bfloat16x8_t halves(uint32x4_t x) { return vreinterpretq_bf16_u32(x); }
  // Four k of row 2 * kPair, then of the next.
  template <int kRows, int kPair>
  static LATHE_INLINE bfloat16x8_t two_rows(const uint32_t* a) {
    constexpr bool kBoth = 2 * kPair + 1 < kRows;
    const auto of_word = [](const uint32_t* p) LATHE_INLINE_LAMBDA {
      if constexpr (!kBoth) return vdupq_n_u32(*p);
      return vcombine_u32(vld1_u32(p), vdup_n_u32(0));
    };
    const uint32_t* even = a + 2 * kPair;
    return halves(vzip1q_u32(of_word(even), of_word(even + kRows)));
  }
};
