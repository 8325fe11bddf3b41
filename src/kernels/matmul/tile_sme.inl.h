// Four tiles of ZA as one register tile: two vectors of rows by two of columns, or, of the rows that are left over, one
// by four. Four outer products a step need four loads, or five; edges are predicates, which cost nothing.
//
// A step is 32 bits of A by 32 bits of W: one k of f32, or four k of bytes. Per output that is the chain of its
// numerics: an outer product is one fused multiply-add a step, and sums of bytes are exact.

// A vector of rows: lanes of one strip of A.
struct RowVector {
  const float* a;
  int64_t step;   // elements from a step to the next: the rows of the strip
  int64_t row;    // the first, of the rectangle
  int64_t count;  // none: nothing is read or written
};
// A vector of columns of one panel, and where their sums are kept.
template <class T>
struct ColumnVector {
  const T* w;
  int64_t step;
  float* t;
  int64_t count, stored;  // lanes that are read; of the sums: the rest of a packed panel too
};

// Products of f32; weights of 16 bits are widened as they are loaded.
struct StepF32 {
  using A = svfloat32_t;
  using W = svfloat32_t;
  LATHE_ZA_INLINE svbool_t lanes(int64_t count) LATHE_IN_ZA { return words(count); }
  LATHE_ZA_INLINE A load_a(svbool_t p, const float* a) LATHE_IN_ZA { return svld1_f32(p, a); }
  LATHE_ZA_INLINE W load_w(svbool_t p, const float* w) LATHE_IN_ZA { return svld1_f32(p, w); }
  LATHE_ZA_INLINE W load_w(svbool_t p, const bf16* w) LATHE_IN_ZA {
    return svreinterpret_f32_u32(svlsl_n_u32_x(p, svld1uh_u32(p, reinterpret_cast<const uint16_t*>(w)), 16));
  }
  LATHE_ZA_INLINE W load_w(svbool_t p, const f16* w) LATHE_IN_ZA {
    return svcvt_f32_f16_x(p, svreinterpret_f16_u32(svld1uh_u32(p, reinterpret_cast<const uint16_t*>(w))));
  }
  template <int kTile>
  LATHE_ZA_INLINE void add(svbool_t rows, svbool_t columns, A a, W w) LATHE_IN_ZA {
    svmopa_za32_f32_m(kTile, rows, columns, a, w);
  }
};

// Products of four bytes; a lane of 32 bits is read as four of 8.
struct StepBytes {
  LATHE_ZA_INLINE svbool_t lanes(int64_t count) LATHE_IN_ZA { return svwhilelt_b8_s64(0, 4 * count); }
  using W = svint8_t;
  LATHE_ZA_INLINE W load_w(svbool_t p, const int32_t* w) LATHE_IN_ZA {
    return svld1_s8(p, reinterpret_cast<const int8_t*>(w));
  }
};
struct StepS8 : StepBytes {
  using A = svint8_t;
  LATHE_ZA_INLINE A load_a(svbool_t p, const float* a) LATHE_IN_ZA {
    return svld1_s8(p, reinterpret_cast<const int8_t*>(a));
  }
  template <int kTile>
  LATHE_ZA_INLINE void add(svbool_t rows, svbool_t columns, A a, W w) LATHE_IN_ZA {
    svmopa_za32_s8_m(kTile, rows, columns, a, w);
  }
};
struct StepU8 : StepBytes {
  using A = svuint8_t;
  LATHE_ZA_INLINE A load_a(svbool_t p, const float* a) LATHE_IN_ZA {
    return svld1_u8(p, reinterpret_cast<const uint8_t*>(a));
  }
  template <int kTile>
  LATHE_ZA_INLINE void add(svbool_t rows, svbool_t columns, A a, W w) LATHE_IN_ZA {
    svusmopa_za32_u8_m(kTile, rows, columns, a, w);
  }
};

// Products of two bf16, summed and added with rounding to odd; a lane of 32 bits is read as two of 16.
struct StepBf16 {
  using A = svbfloat16_t;
  using W = svbfloat16_t;
  LATHE_ZA_INLINE svbool_t lanes(int64_t count) LATHE_IN_ZA { return svwhilelt_b16_s64(0, 2 * count); }
  LATHE_ZA_INLINE A load_a(svbool_t p, const float* a) LATHE_IN_ZA {
    return svld1_bf16(p, reinterpret_cast<const __bf16*>(a));
  }
  LATHE_ZA_INLINE W load_w(svbool_t p, const int32_t* w) LATHE_IN_ZA {
    return svld1_bf16(p, reinterpret_cast<const __bf16*>(w));
  }
  template <int kTile>
  LATHE_ZA_INLINE void add(svbool_t rows, svbool_t columns, A a, W w) LATHE_IN_ZA {
    svmopa_za32_bf16_m(kTile, rows, columns, a, w);
  }
};

// Tile kTile from or to where its sums are kept, rows t_row apart.
template <int kTile, class T>
LATHE_ZA_INLINE void load_sums(const RowVector& r, const ColumnVector<T>& c, int64_t t_row) LATHE_IN_ZA {
  const float* t = c.t + r.row * t_row;
  for (int64_t s = 0; s < r.count; ++s, t += t_row) svld1_hor_za32(kTile, static_cast<uint32_t>(s), words(c.stored), t);
}
template <int kTile, class T>
LATHE_ZA_INLINE void store_sums(const RowVector& r, const ColumnVector<T>& c, int64_t t_row) LATHE_IN_ZA {
  float* t = c.t + r.row * t_row;
  for (int64_t s = 0; s < r.count; ++s, t += t_row) svst1_hor_za32(kTile, static_cast<uint32_t>(s), words(c.stored), t);
}

template <class Step, class T>
LATHE_ZA_INLINE void tile_2x2(const RowVector& r0, const RowVector& r1, const ColumnVector<T>& c0,
                              const ColumnVector<T>& c1, int64_t steps, int64_t t_row, bool first) LATHE_IN_ZA {
  svzero_za();
  if (!first) {
    load_sums<0>(r0, c0, t_row);
    load_sums<1>(r0, c1, t_row);
    load_sums<2>(r1, c0, t_row);
    load_sums<3>(r1, c1, t_row);
  }
  const svbool_t p0 = Step::lanes(r0.count), p1 = Step::lanes(r1.count);
  const svbool_t q0 = Step::lanes(c0.count), q1 = Step::lanes(c1.count);
  const float *a0 = r0.a, *a1 = r1.a;
  const T *w0 = c0.w, *w1 = c1.w;
  for (int64_t i = 0; i < steps; ++i, a0 += r0.step, a1 += r1.step, w0 += c0.step, w1 += c1.step) {
    const typename Step::A x0 = Step::load_a(p0, a0), x1 = Step::load_a(p1, a1);
    const typename Step::W y0 = Step::load_w(q0, w0), y1 = Step::load_w(q1, w1);
    Step::template add<0>(p0, q0, x0, y0);
    Step::template add<1>(p0, q1, x0, y1);
    Step::template add<2>(p1, q0, x1, y0);
    Step::template add<3>(p1, q1, x1, y1);
  }
  store_sums<0>(r0, c0, t_row);
  store_sums<1>(r0, c1, t_row);
  store_sums<2>(r1, c0, t_row);
  store_sums<3>(r1, c1, t_row);
}

template <class Step, class T>
LATHE_ZA_INLINE void tile_1x4(const RowVector& r, const ColumnVector<T>& c0, const ColumnVector<T>& c1,
                              const ColumnVector<T>& c2, const ColumnVector<T>& c3, int64_t steps, int64_t t_row,
                              bool first) LATHE_IN_ZA {
  svzero_za();
  if (!first) {
    load_sums<0>(r, c0, t_row);
    load_sums<1>(r, c1, t_row);
    load_sums<2>(r, c2, t_row);
    load_sums<3>(r, c3, t_row);
  }
  const svbool_t p = Step::lanes(r.count);
  const svbool_t q0 = Step::lanes(c0.count), q1 = Step::lanes(c1.count);
  const svbool_t q2 = Step::lanes(c2.count), q3 = Step::lanes(c3.count);
  const float* a = r.a;
  const T *w0 = c0.w, *w1 = c1.w, *w2 = c2.w, *w3 = c3.w;
  for (int64_t i = 0; i < steps; ++i, a += r.step, w0 += c0.step, w1 += c0.step, w2 += c0.step, w3 += c0.step) {
    const typename Step::A x = Step::load_a(p, a);
    Step::template add<0>(p, q0, x, Step::load_w(q0, w0));
    Step::template add<1>(p, q1, x, Step::load_w(q1, w1));
    Step::template add<2>(p, q2, x, Step::load_w(q2, w2));
    Step::template add<3>(p, q3, x, Step::load_w(q3, w3));
  }
  store_sums<0>(r, c0, t_row);
  store_sums<1>(r, c1, t_row);
  store_sums<2>(r, c2, t_row);
  store_sums<3>(r, c3, t_row);
}

// The a7 numerics: what goes with the rows and columns of a tile beside the bytes, a block of 32 k after the other.
struct RowsU7 {
  RowVector a, scale, zero;  // zero: the negated s32, where a RowVector says f32
};
struct ColumnsU7 {
  ColumnVector<int32_t> w;
  ColumnVector<f16> scale;
  ColumnVector<int16_t> sum;
};

// Tile kTile holds the dot products of a block: corrected by the zeros, they are scaled into the f32 sums.
template <int kTile>
LATHE_ZA_INLINE void flush_u7(const RowsU7& r, const ColumnsU7& c, int64_t block, int64_t t_row,
                              bool first) LATHE_IN_ZA {
  const svbool_t p = words(c.w.stored);
  const svfloat32_t w_scale = StepF32::load_w(p, c.scale.w + block * c.scale.step);
  const svint32_t w_sum = svld1sh_s32(p, c.sum.w + block * c.sum.step);
  const float* a_scale = r.scale.a + block * r.scale.step;
  const int32_t* a_zero = reinterpret_cast<const int32_t*>(r.zero.a) + block * r.zero.step;
  float* t = c.w.t + r.a.row * t_row;
  for (int64_t s = 0; s < r.a.count; ++s, t += t_row) {
    svint32_t dot = svread_hor_za32_s32_m(w_sum, p, kTile, static_cast<uint32_t>(s));
    dot = svmla_n_s32_x(p, dot, w_sum, a_zero[s]);
    const svfloat32_t sum = first ? svdup_n_f32(0.0f) : svld1_f32(p, t);
    const svfloat32_t scale = svmul_n_f32_x(p, w_scale, a_scale[s]);
    svst1_f32(p, t, svmla_f32_x(p, sum, svcvt_f32_s32_x(p, dot), scale));
  }
}

LATHE_ZA_INLINE void tile_u7_2x2(const RowsU7& r0, const RowsU7& r1, const ColumnsU7& c0, const ColumnsU7& c1,
                                 int64_t blocks, int64_t t_row) LATHE_IN_ZA {
  const svbool_t p0 = StepU8::lanes(r0.a.count), p1 = StepU8::lanes(r1.a.count);
  const svbool_t q0 = StepU8::lanes(c0.w.count), q1 = StepU8::lanes(c1.w.count);
  const float *a0 = r0.a.a, *a1 = r1.a.a;
  const int32_t *w0 = c0.w.w, *w1 = c1.w.w;
  for (int64_t block = 0; block < blocks; ++block) {
    svzero_za();
#pragma clang loop unroll(disable)
    for (int i = 0; i < kBlock / 4; ++i, a0 += r0.a.step, a1 += r1.a.step, w0 += c0.w.step, w1 += c1.w.step) {
      const svuint8_t x0 = StepU8::load_a(p0, a0), x1 = StepU8::load_a(p1, a1);
      const svint8_t y0 = StepU8::load_w(q0, w0), y1 = StepU8::load_w(q1, w1);
      StepU8::add<0>(p0, q0, x0, y0);
      StepU8::add<1>(p0, q1, x0, y1);
      StepU8::add<2>(p1, q0, x1, y0);
      StepU8::add<3>(p1, q1, x1, y1);
    }
    flush_u7<0>(r0, c0, block, t_row, block == 0);
    flush_u7<1>(r0, c1, block, t_row, block == 0);
    flush_u7<2>(r1, c0, block, t_row, block == 0);
    flush_u7<3>(r1, c1, block, t_row, block == 0);
  }
}
