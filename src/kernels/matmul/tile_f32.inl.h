// The register tile of the f32 numerics: MR rows by NP panels, one chain of fused multiply-adds per output.

// What a tile call should prefetch while it computes: `lines` cache lines per four k, from each cursor on. The weights
// of the next chunk come from memory; asking for them during all row groups of this one hides that time.
struct Prefetch {
  const std::byte* from[2];
  int64_t lines;
};

// acc[r][p] over k; partial sums live in t: row r of panel p at t + p * t_panel + 16 r.
// kStrips: A is [k][MR]; otherwise row r starts at a + r * a_row and k is contiguous.
// The accumulators are indexed by template packs: indexed by unrolled loops g++ 12 keeps the array in memory.
template <class V, int MR, int NP, bool kStrips, int... R, int... P>
LATHE_INLINE void tile_f32(std::integer_sequence<int, R...>, std::integer_sequence<int, P...>, const float* a,
                           int64_t a_row, const float* b, int64_t b_panel, int64_t k, float* t, int64_t t_panel,
                           bool first, Prefetch pf) {
  typename V::F acc[MR][NP];
  const auto load_row = [&](auto r) LATHE_INLINE_LAMBDA {
    ((acc[r.value][P] = first ? V::zero() : V::load(t + P * t_panel + r.value * 16)), ...);
  };
  (load_row(std::integral_constant<int, R>{}), ...);

  constexpr int64_t kStep = kStrips ? MR : 1;
  // Rows in place are reached as base[r / 3] + (r % 3) * a_row, which x86 folds into the load.
  const float* base[(MR + 2) / 3];
  for (int i = 0; i < (MR + 2) / 3; ++i) base[i] = a + 3 * i * a_row;
  const auto step = [&](int64_t at, const float* bk) LATHE_INLINE_LAMBDA {
    const typename V::F w[NP] = {V::load(bk + P * b_panel)...};
    const auto row = [&](auto r) LATHE_INLINE_LAMBDA {
      constexpr int kRow = decltype(r)::value;
      const typename V::S x = V::broadcast(kStrips ? a + at * kStep + kRow : base[kRow / 3] + (kRow % 3) * a_row + at);
      (V::fma(acc[kRow][P], x, w[P]), ...);
    };
    (row(std::integral_constant<int, R>{}), ...);
  };
  int64_t i = 0;
  for (; i + 4 <= k; i += 4) {
    for (int64_t line = 0; line < pf.lines; ++line) {
      (V::prefetch(pf.from[P]), ...);
      ((pf.from[P] += 64), ...);
    }
    step(0, b);
    step(1, b + 16);
    step(2, b + 32);
    step(3, b + 48);
    b += 64;
    a += 4 * kStep;
    for (auto& p : base) p += 4;
  }
  for (; i < k; ++i) {
    step(0, b);
    b += 16;
    a += kStep;
    for (auto& p : base) ++p;
  }
  const auto store_row = [&](auto r)
                             LATHE_INLINE_LAMBDA { (V::store(t + P * t_panel + r.value * 16, acc[r.value][P]), ...); };
  (store_row(std::integral_constant<int, R>{}), ...);
}

using TileF32 = void (*)(const float* a, int64_t a_row, const float* b, int64_t b_panel, int64_t k, float* t,
                         int64_t t_panel, bool first, Prefetch pf);

template <class V, int MR, int NP, bool kStrips>
void tile_f32_entry(const float* a, int64_t a_row, const float* b, int64_t b_panel, int64_t k, float* t,
                    int64_t t_panel, bool first, Prefetch pf) {
  tile_f32<V, MR, NP, kStrips>(std::make_integer_sequence<int, MR>{}, std::make_integer_sequence<int, NP>{}, a, a_row,
                               b, b_panel, k, t, t_panel, first, pf);
}

template <class V, int NP, bool kStrips, class Rows>
struct TilesF32;
template <class V, int NP, bool kStrips, int... R>
struct TilesF32<V, NP, kStrips, std::integer_sequence<int, R...>> {
  static constexpr TileF32 kOfRows[] = {tile_f32_entry<V, R + 1, NP, kStrips>...};  // [rows - 1]
};
