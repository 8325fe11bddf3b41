// The loops around the tiles of ZA, for any m, n, k and any streaming vector length; in streaming mode for a turn of
// eight panels at a time, after which NEON does what follows the sums.

// Panels of W whose chunk is decoded together: a row vector alone takes four column vectors.
constexpr int64_t kPanelsAtOnce = 4;
// Rows of a strip. At 512 bits a strip is a vector and a pair of them fills the tile's rows; shorter vectors cut strips
// and panels into parts, longer ones stay half empty (no such CPU is known).
constexpr int64_t kStripRows = 16;

// The vectors of rows of a chunk of K, one after the other. (An aggregate: a constructor would be a plain function.)
struct RowWalk {
  const RowGroups* groups;
  const float* a;          // the strips from their first element
  int64_t k, k0;           // of a whole row, and where the chunk begins, in steps
  int64_t group, row, at;  // the strip, its first row, and how much of it is done

  inline __attribute__((always_inline)) RowVector next() LATHE_IN_ZA {
    const int64_t lanes = static_cast<int64_t>(svcntw());
    if (group == groups->count) return {a, 0, 0, 0};
    const int64_t rows = groups->base + (group < groups->larger ? 1 : 0);
    const RowVector v = {a + row * k + k0 * rows + at, rows, row + at, least(lanes, rows - at)};
    at += lanes;
    if (at >= rows) {
      at = 0;
      row += rows;
      ++group;
    }
    return v;
  }
};

// Up to kPanelsAtOnce panels of one chunk: w [steps][w_step] with 16 columns of panel u at w + u * w_panel.
template <class T>
struct PanelBlock {
  const T* w;
  int64_t w_step, w_panel;
  int64_t panels, n;  // n: columns of W from the first one on
  TileSums sums;
  bool gated, in_c;

  // Vector i of their columns; none is left: an empty one.
  inline __attribute__((always_inline)) ColumnVector<T> columns(int64_t i) const LATHE_IN_ZA {
    const int64_t lanes = least(static_cast<int64_t>(svcntw()), kPanel);
    const int64_t panel = i * lanes / kPanel, at = i * lanes % kPanel;
    if (panel >= panels) return {w, w_step, sums.t, 0, 0};
    const int64_t column = (gated ? panel / 2 : panel) * kPanel + at;
    const int64_t count = least(lanes, n - column);
    return {w + panel * w_panel + at, w_step, sums.t + panel * sums.panel + at, count, in_c ? count : lanes};
  }
};

// All rows by the panels of a block.
template <class Step, class T>
LATHE_ZA_INLINE void block_by_rows(RowWalk walk, const PanelBlock<T>& block, int64_t steps, bool first) LATHE_IN_ZA {
  const int64_t lanes = least(static_cast<int64_t>(svcntw()), kPanel);
  const int64_t vectors = block.panels * (kPanel / lanes);
  for (RowVector r0 = walk.next(); r0.count > 0; r0 = walk.next()) {
    const RowVector r1 = walk.next();
    if (r1.count == 0) {
      for (int64_t i = 0; i < vectors; i += 4)
        tile_1x4<Step, T>(r0, block.columns(i), block.columns(i + 1), block.columns(i + 2), block.columns(i + 3), steps,
                          block.sums.row, first);
      return;
    }
    for (int64_t i = 0; i < vectors; i += 2)
      tile_2x2<Step, T>(r0, r1, block.columns(i), block.columns(i + 1), steps, block.sums.row, first);
  }
}

// How a layout gives a chunk of a panel to the tile: where it lies, from at() on with step() elements from k to k, or
// decoded into [kk][16] floats. kInPlace: never decoded; kReadable: the tile can load it as it lies.
template <class T, bool kDecodedForMany>
struct ZaPanel {
  using Element = T;
  static constexpr bool kInPlace = !kDecodedForMany, kReadable = true;
  LATHE_ZA_INLINE int64_t step(const Args&) LATHE_IN_ZA { return kPanel; }
  LATHE_ZA_INLINE const T* at(const Args& x, const std::byte* panel, int64_t k0) LATHE_IN_ZA {
    return reinterpret_cast<const T*>(panel) + k0 * step(x);
  }
  LATHE_ZA_INLINE void chunk(const Args&, const T* w, int64_t, int64_t kk, float* out) LATHE_IN_ZA {
    const int64_t lanes = static_cast<int64_t>(svcntw());
    for (int64_t i = 0; i < kk * kPanel; i += lanes)
      svst1_f32(words(kk * kPanel - i), out + i, StepF32::load_w(words(kk * kPanel - i), w + i));
  }
};

// [K,N] in place.
struct ZaRows {
  using Element = float;
  static constexpr bool kInPlace = false, kReadable = true;
  LATHE_ZA_INLINE int64_t step(const Args& x) LATHE_IN_ZA { return x.w_ld; }
  LATHE_ZA_INLINE const float* at(const Args& x, const std::byte* panel, int64_t k0) LATHE_IN_ZA {
    return reinterpret_cast<const float*>(panel) + k0 * x.w_ld;
  }
  LATHE_ZA_INLINE void chunk(const Args& x, const float* w, int64_t n, int64_t kk, float* out) LATHE_IN_ZA {
    const int64_t lanes = static_cast<int64_t>(svcntw());
    for (int64_t k = 0; k < kk; ++k)
      for (int64_t j = 0; j < n; j += lanes)
        svst1_f32(words(n - j), out + k * kPanel + j, svld1_f32(words(n - j), w + k * x.w_ld + j));
  }
};

// [N,K] in place: transposed through the tile that the next sums overwrite.
struct ZaCols {
  using Element = float;
  static constexpr bool kInPlace = false, kReadable = false;
  LATHE_ZA_INLINE int64_t step(const Args& x) LATHE_IN_ZA { return x.w_ld; }
  LATHE_ZA_INLINE const float* at(const Args&, const std::byte* panel, int64_t k0) LATHE_IN_ZA {
    return reinterpret_cast<const float*>(panel) + k0;
  }
  LATHE_ZA_INLINE void chunk(const Args& x, const float* w, int64_t n, int64_t kk, float* out) LATHE_IN_ZA {
    transpose_za(w, x.w_ld, n, kk, out, kPanel);
  }
};

// A turn: `panels` panels from `w` on, whose first column is n columns before the end, and where their sums go.
struct Turn {
  const std::byte* w;
  int64_t panels, n;
  TileSums sums;
  bool in_c;
  float* decoded;  // kPanelsAtOnce chunks
};

template <class W, int KC>
LATHE_ZA_ENTRY void turn_f32(const Args& x, const RowGroups& groups, const Turn& turn) __arm_streaming {
  using T = typename W::Element;
  const bool direct = W::kInPlace || (W::kReadable && x.m <= 2 * kStripRows);  // one tile of rows uses them
  const bool gated = x.epilogue.gated;
  const int64_t chunks = (x.k + KC - 1) / KC, chunk = (x.k + chunks - 1) / chunks;
  for (int64_t k0 = 0; k0 < x.k; k0 += chunk)
    for (int64_t p = 0; p < turn.panels; p += kPanelsAtOnce) {
      const int64_t panels = least(kPanelsAtOnce, turn.panels - p), kk = least(chunk, x.k - k0);
      const int64_t n = turn.n - (gated ? p / 2 : p) * kPanel;
      const TileSums sums = {turn.sums.t + p * turn.sums.panel, turn.sums.panel, turn.sums.row};
      const RowWalk walk = {&groups, static_cast<const float*>(x.a), x.k, k0, 0, 0, 0};
      const std::byte* first = turn.w + p * x.w_panel;
      if (direct) {
        const PanelBlock<T> block = {W::at(x, first, k0),
                                     W::step(x),
                                     x.w_panel / static_cast<int64_t>(sizeof(T)),
                                     panels,
                                     n,
                                     sums,
                                     gated,
                                     turn.in_c};
        block_by_rows<StepF32, T>(walk, block, kk, k0 == 0);
        continue;
      }
      for (int64_t u = 0; u < panels; ++u)
        W::chunk(x, W::at(x, first + u * x.w_panel, k0), least(kPanel, n - (gated ? u / 2 : u) * kPanel), kk,
                 turn.decoded + u * KC * kPanel);
      const PanelBlock<float> block = {turn.decoded, kPanel, KC * kPanel, panels, n, sums, gated, turn.in_c};
      block_by_rows<StepF32, float>(walk, block, kk, k0 == 0);
    }
}

template <class W, int KC>
void run_sme_f32(const Args& x) noexcept {
  const RowGroups groups(x.m, kStripRows);
  const int64_t fold = x.epilogue.gated ? 2 : 1;  // panels of W per panel of C
  const int64_t panels = (x.n + kPanel - 1) / kPanel * fold;
  float* scratch = reinterpret_cast<float*>(x.scratch);
  // C keeps the sums itself where nothing happens to them later.
  const bool in_c = is_plain(x) && x.epilogue.beta == 0.0f && x.k <= KC;
  const TileSums base =
      in_c ? TileSums{static_cast<float*>(x.c), kPanel, x.ldc} : TileSums{scratch, x.m * kPanel, kPanel};
  for (int64_t p = 0; p < panels; p += kPanelsPerTurn) {
    const int64_t column = p / fold * kPanel, count = min_of(kPanelsPerTurn, panels - p);
    const TileSums sums = {base.t + (in_c ? column : 0), base.panel, base.row};
    turn_f32<W, KC>(x, groups,
                    {x.w + p * x.w_panel, count, x.n - column, sums, in_c, scratch + kPanelsPerTurn * x.m * kPanel});
    if (!in_c) finish<SmeLanes>(x, column, count / fold, scratch);
  }
}

// `steps` words of A and of W, of bytes or bf16: all of K at once, ZA keeps the sums.
template <class Step>
LATHE_ZA_ENTRY void turn_words(const Args& x, const RowGroups& groups, const Turn& turn,
                               int64_t steps) __arm_streaming {
  const bool gated = x.epilogue.gated;
  for (int64_t p = 0; p < turn.panels; p += kPanelsAtOnce) {
    const PanelBlock<int32_t> block = {reinterpret_cast<const int32_t*>(turn.w + p * x.w_panel),
                                       kPanel,
                                       x.w_panel / 4,
                                       least(kPanelsAtOnce, turn.panels - p),
                                       turn.n - (gated ? p / 2 : p) * kPanel,
                                       {turn.sums.t + p * turn.sums.panel, turn.sums.panel, turn.sums.row},
                                       gated,
                                       false};
    block_by_rows<Step, int32_t>({&groups, static_cast<const float*>(x.a), steps, 0, 0, 0, 0}, block, steps, true);
  }
}

template <class Step>
void run_sme_s32(const Args& x) noexcept {
  const RowGroups groups(x.m, kStripRows);
  const int64_t panels = (x.n + kPanel - 1) / kPanel, k = prepared_k(AForm::bytes, x.k);
  float* t = reinterpret_cast<float*>(x.scratch);
  for (int64_t p0 = 0; p0 < panels; p0 += kPanelsPerTurn) {
    const int64_t p1 = min_of(p0 + kPanelsPerTurn, panels);
    const std::byte* w = x.w + p0 * x.w_panel;
    turn_words<Step>(x, groups, {w, p1 - p0, x.n - p0 * kPanel, {t, x.m * kPanel, kPanel}, false, nullptr}, k / 4);
    for (int64_t p = p0; p < p1; ++p, w += x.w_panel)
      correct_zero_points<SmeLanes>(x, p * kPanel, PanelI8<SmeLanes>::column_sum(w, k), t + (p - p0) * x.m * kPanel);
    if (x.c_type != Type::s32) finish<SmeLanes>(x, p0 * kPanel, p1 - p0, t);
  }
}

inline void run_sme_d16(const Args& x) noexcept {
  const RowGroups groups(x.m, kStripRows);
  const int64_t fold = x.epilogue.gated ? 2 : 1;
  const int64_t panels = (x.n + kPanel - 1) / kPanel * fold, steps = prepared_k(AForm::pairs_d16, x.k) / 2;
  float* t = reinterpret_cast<float*>(x.scratch);
  for (int64_t p = 0; p < panels; p += kPanelsPerTurn) {
    const int64_t column = p / fold * kPanel, count = min_of(kPanelsPerTurn, panels - p);
    const Turn turn = {x.w + p * x.w_panel, count, x.n - column, {t, x.m * kPanel, kPanel}, false, nullptr};
    turn_words<StepBf16>(x, groups, turn, steps);
    finish<SmeLanes>(x, column, count / fold, t);
  }
}

// The a7 numerics. The sums of a tile are kept in memory, since ZA holds the dot products of a block.
LATHE_ZA_ENTRY void turn_u7(const Args& x, const RowGroups& groups, const Turn& turn) __arm_streaming {
  const int64_t blocks = (x.k + kBlock - 1) / kBlock, steps = blocks * (kBlock / 4);
  const int64_t lanes = least(static_cast<int64_t>(svcntw()), kPanel), vectors = turn.panels * (kPanel / lanes);
  const bool gated = x.epilogue.gated;
  const f16* scale = reinterpret_cast<const f16*>(turn.w + steps * 4 * kPanel);
  const int16_t* sum = reinterpret_cast<const int16_t*>(scale + blocks * kPanel);
  const PanelBlock<int32_t> w = {
      reinterpret_cast<const int32_t*>(turn.w), kPanel, x.w_panel / 4, turn.panels, turn.n, turn.sums, gated, false};
  const PanelBlock<f16> scales = {scale, kPanel, x.w_panel / 2, turn.panels, turn.n, turn.sums, gated, false};
  const PanelBlock<int16_t> sums = {sum, kPanel, x.w_panel / 2, turn.panels, turn.n, turn.sums, gated, false};
  RowWalk a = {&groups, static_cast<const float*>(x.a), steps, 0, 0, 0, 0};
  RowWalk a_scale = {&groups, x.a_scale, blocks, 0, 0, 0, 0};
  RowWalk a_zero = {&groups, reinterpret_cast<const float*>(x.a_sum), blocks, 0, 0, 0, 0};
  for (;;) {
    const RowsU7 r0 = {a.next(), a_scale.next(), a_zero.next()};
    if (r0.a.count == 0) return;
    const RowsU7 r1 = {a.next(), a_scale.next(), a_zero.next()};
    for (int64_t i = 0; i < vectors; i += 2) {
      const ColumnsU7 c0 = {w.columns(i), scales.columns(i), sums.columns(i)};
      const ColumnsU7 c1 = {w.columns(i + 1), scales.columns(i + 1), sums.columns(i + 1)};
      tile_u7_2x2(r0, r1, c0, c1, blocks, turn.sums.row);
    }
  }
}

inline void run_sme_u7(const Args& x) noexcept {
  const RowGroups groups(x.m, kStripRows);
  const int64_t fold = x.epilogue.gated ? 2 : 1;
  const int64_t panels = (x.n + kPanel - 1) / kPanel * fold;
  float* t = reinterpret_cast<float*>(x.scratch);
  for (int64_t p = 0; p < panels; p += kPanelsPerTurn) {
    const int64_t column = p / fold * kPanel, count = min_of(kPanelsPerTurn, panels - p);
    turn_u7(x, groups, {x.w + p * x.w_panel, count, x.n - column, {t, x.m * kPanel, kPanel}, false, nullptr});
    finish<SmeLanes>(x, column, count / fold, t);
  }
}

// The s32 numerics' bytes as they are, four k of a row side by side.
inline void prepare_bytes(const PrepareArgs& x) noexcept {
  const uint8_t* a = static_cast<const uint8_t*>(x.a);
  uint8_t* out = static_cast<uint8_t*>(x.rows);
  const int64_t padded = prepared_k(AForm::bytes, x.k);
  for (int64_t r = 0; r < x.m; ++r) {
    int32_t sum = 0;
    for (int64_t i = 0; i < padded; ++i) {
      const uint8_t v = i < x.k ? a[r * x.a_row + i * x.a_k] : uint8_t{0};
      out[(i / 4 * x.m + r) * 4 + i % 4] = v;
      sum += x.a_type == Type::u8 ? int32_t{v} : int32_t{static_cast<int8_t>(v)};
    }
    x.sum[r] = sum;
  }
}
