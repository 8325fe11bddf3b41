// The register tile of the f32 numerics over vectors of any length: as many rows as lanes_sve.inl.h says by two vectors
// of columns, over the panels of every other tile. A vector holds columns of one panel; one that is longer than a panel
// (beyond 512 bits), or that would reach into the next (384 bits), has lanes that stay zero.

inline svfloat32_t load_columns(svbool_t lanes, const float* w) { return svld1_f32(lanes, w); }
inline svfloat32_t load_columns(svbool_t lanes, const bf16* w) {
  const svuint32_t x = svld1uh_u32(lanes, reinterpret_cast<const uint16_t*>(w));
  return svreinterpret_f32_u32(svlsl_n_u32_x(lanes, x, 16));
}
inline svfloat32_t load_columns(svbool_t lanes, const f16* w) {
  const svuint32_t x = svld1uh_u32(lanes, reinterpret_cast<const uint16_t*>(w));
  return svcvt_f32_f16_x(lanes, svreinterpret_f16_u32(x));
}

// A vector of columns: its lanes, its weights of k = 0, and row 0 of the sums that it begins with (nullptr: 0) and
// gives.
template <class T>
struct Columns {
  int64_t first, end;  // in the panel
  const T* w;
  const float* from;
  float* to;
  LATHE_INLINE svbool_t lanes() const { return svwhilelt_b32_s64(first, end); }
};

template <int kWhich>
LATHE_INLINE const svfloat32_t& one_of(const svfloat32_t& zeroth, const svfloat32_t& first) {
  return kWhich == 0 ? zeroth : first;
}

// sum[i] is row i / NV of vector i % NV. SVE's types have no size, so an array cannot hold them: sums() declares one
// after the other, and loop() has them all as names.
template <int MR, int NV, class T>
struct TileSve {
  const float* a;  // [k][MR]
  const Columns<T>* columns;
  int64_t k, from_row, to_row;
  bool add;  // to what `to` has
  Prefetch pf;

  template <class... Sums>
  LATHE_INLINE void sums(Sums&... before) {
    constexpr int kNext = sizeof...(Sums);
    if constexpr (kNext == MR * NV) {
      loop(std::make_integer_sequence<int, kNext>{}, before...);
    } else {
      const Columns<T>& c = columns[kNext % NV];
      svfloat32_t sum = c.from == nullptr ? svdup_n_f32(0.0f) : svld1_f32(c.lanes(), c.from + kNext / NV * from_row);
      sums(before..., sum);
    }
  }

  template <int... I, class... Sums>
  LATHE_INLINE void loop(std::integer_sequence<int, I...>, Sums&... sum) {
    const Columns<T>&zeroth = columns[0], &last = columns[NV - 1];
    const svbool_t lanes0 = zeroth.lanes(), lanes1 = last.lanes();
    const svbool_t low = svwhilelt_b32_s32(0, MR), high = svwhilelt_b32_s32(4, MR);
    const T *w0 = zeroth.w, *w1 = last.w;
    const auto step = [&]() LATHE_INLINE_LAMBDA {
      const svfloat32_t x0 = svld1rq_f32(low, a), x1 = svld1rq_f32(high, a + 4);
      const svfloat32_t c0 = load_columns(lanes0, w0), c1 = load_columns(lanes1, w1);
      ((sum = svmla_lane_f32(sum, one_of<I % NV>(c0, c1), one_of<I / NV / 4>(x0, x1), I / NV % 4)), ...);
      a += MR;
      w0 += kPanel;
      w1 += kPanel;
    };
    int64_t i = 0;
    for (; i + 4 <= k; i += 4) {
      pf.template step<SveLanes>();
      step();
      step();
      step();
      step();
    }
    for (; i < k; ++i) step();
    const auto give = [&](const Columns<T>& c, int row, svfloat32_t& x) LATHE_INLINE_LAMBDA {
      float* const to = c.to + row * to_row;
      if (add) x = svadd_f32_x(c.lanes(), svld1_f32(c.lanes(), to), x);
      svst1_f32(c.lanes(), to, x);
    };
    (give(columns[I % NV], I / NV, sum), ...);
  }
};

template <int MR, int NP, class T>
void tile_sve(const float* a, const T* b, int64_t b_panel, int64_t k, TileSums from, TileSums to, bool add,
              Prefetch pf) {
  const int64_t lanes = min_of(static_cast<int64_t>(svcntw()), kPanel);
  Columns<T> columns[2];
  int waiting = 0;
  for (int p = 0; p < NP; ++p)
    for (int64_t at = 0; at < kPanel; at += lanes) {
      columns[waiting++] = {at, kPanel, b + p * b_panel + at,
                            from.t == nullptr ? nullptr : from.t + p * from.panel + at, to.t + p * to.panel + at};
      if (waiting < 2) continue;
      TileSve<MR, 2, T>{a, columns, k, from.row, to.row, add, pf}.sums();
      pf.per_step = 0;  // once is enough
      waiting = 0;
    }
  if (waiting == 1) TileSve<MR, 1, T>{a, columns, k, from.row, to.row, add, pf}.sums();
}

template <int NP, class T, int... R>
struct TilesF32<SveLanes, NP, T, std::integer_sequence<int, R...>> {
  static constexpr TileF32<T> kOfRows[] = {tile_sve<R + 1, NP, T>...};  // [rows - 1]
};
