// Dot-product lanes whose tiles multiply bytes by smmla: two rows of A by two columns, eight k of each, in one
// instruction, twice the products of an sdot. Both sides are s8: the codes of a8 and the activations of a7 stay below
// 128, so usmmla has nothing to add.

struct I8mmLanes : DotprodLanes {
  static constexpr Isa kIsa = Isa::i8mm;
  // Sums of two rows by a panel; a register holds two columns of the first row and then of the second.
  struct Pair {
    int32x4_t a, b, c, d, e, f, g, h;
  };

  static Pair no_pair() {
    const int32x4_t v = vdupq_n_s32(0);
    return {v, v, v, v, v, v, v, v};
  }
  // acc[p] += eight k of rows 2p, 2p + 1 by eight k of 16 columns: two quads of a strip of kRows rows, two of a panel.
  // Four columns at a time: 24 sums of six rows, 3 registers of A and 4 of weights are 31 of the 32.
  template <int kRows, int... P>
  static LATHE_INLINE void add_pairs(Pair* acc, const uint8_t* a, const uint8_t* w) {
    const int8x16_t x[] = {two_rows<kRows, P>(a)...};
    const auto four = [&](int32x4_t Pair::*low, int32x4_t Pair::*high, int at) LATHE_INLINE_LAMBDA {
      const int32x4_t even = quad(w + at), odd = quad(w + 4 * kPanel + at);
      const int8x16_t first = bytes(vzip1q_s32(even, odd)), second = bytes(vzip2q_s32(even, odd));
      ((acc[P].*low = vmmlaq_s32(acc[P].*low, x[P], first)), ...);
      ((acc[P].*high = vmmlaq_s32(acc[P].*high, x[P], second)), ...);
    };
    four(&Pair::a, &Pair::b, 0);
    four(&Pair::c, &Pair::d, 16);
    four(&Pair::e, &Pair::f, 32);
    four(&Pair::g, &Pair::h, 48);
  }
  // Row kRow of those that acc[] has in pairs.
  template <int kRow>
  static LATHE_INLINE I row_of_pair(const Pair* acc) {
    const Pair& x = acc[kRow / 2];
    if constexpr (kRow % 2 == 0) return {trn1(x.a, x.b), trn1(x.c, x.d), trn1(x.e, x.f), trn1(x.g, x.h)};
    return {trn2(x.a, x.b), trn2(x.c, x.d), trn2(x.e, x.f), trn2(x.g, x.h)};
  }
  static LATHE_INLINE I iadd(const I& x, const I& y) {
    return map<I>([](auto v, auto w) LATHE_INLINE_LAMBDA { return vaddq_s32(v, w); }, x, y);
  }

 private:
  static int8x16_t bytes(int32x4_t x) { return vreinterpretq_s8_s32(x); }
  static int32x4_t quad(const uint8_t* p) { return vreinterpretq_s32_u8(vld1q_u8(p)); }
  static int32x4_t trn1(int32x4_t x, int32x4_t y) {
    return vreinterpretq_s32_s64(vtrn1q_s64(vreinterpretq_s64_s32(x), vreinterpretq_s64_s32(y)));
  }
  static int32x4_t trn2(int32x4_t x, int32x4_t y) {
    return vreinterpretq_s32_s64(vtrn2q_s64(vreinterpretq_s64_s32(x), vreinterpretq_s64_s32(y)));
  }
  // Eight k of row 2 * kPair, then of the next. A last row without a next one is its own, whose sums nobody reads.
  template <int kRows, int kPair>
  static LATHE_INLINE int8x16_t two_rows(const uint8_t* a) {
    constexpr bool kBoth = 2 * kPair + 1 < kRows;
    const auto of_quad = [](const uint8_t* p) LATHE_INLINE_LAMBDA {
      if constexpr (!kBoth) return vreinterpretq_s32_s8(four_bytes(p));
      return vreinterpretq_s32_u8(vcombine_u8(vld1_u8(p), vdup_n_u8(0)));
    };
    const uint8_t* even = a + 8 * kPair;
    return bytes(vzip1q_s32(of_quad(even), of_quad(even + 4 * kRows)));
  }
};
