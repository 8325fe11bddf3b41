// The register tile of the f32 numerics: MR rows by NP panels, one chain of fused multiply-adds per output.

// Cache lines in rows of 2^shift, `stride` bytes apart: line n lies at from + (n >> shift) * stride + (n mod 2^shift)
// * 64.
struct Lines {
  const std::byte* from = nullptr;
  int64_t stride = 0;
  int shift = 0;
  const std::byte* at(int64_t n) const { return from + (n >> shift) * stride + (n & ((int64_t{1} << shift) - 1)) * 64; }
};

// What a tile call should prefetch while it computes: `per_step` lines every four k, from line `next` on. The weights
// of the next chunk come from memory; asking for them during all row groups of this one hides that time.
struct Prefetch {
  Lines lines;
  int64_t next, per_step;
  template <class V>
  LATHE_INLINE void step() {
    for (int64_t n = 0; n < per_step; ++n, ++next) V::prefetch(lines.at(next));
  }
};

template <class V>
LATHE_INLINE typename V::F load_weights(const float* p) {
  return V::load(p);
}
template <class V>
LATHE_INLINE typename V::F load_weights(const bf16* p) {
  return V::load_bf16(p);
}
template <class V>
LATHE_INLINE typename V::F load_weights(const f16* p) {
  return V::load_f16(p);
}

// acc[r][p] over k; partial sums live in t: row r of panel p at t + p * t_panel + r * t_row. A is a strip, [k][MR]; the
// weights are [k][16] of T, panels b_panel elements apart.
// The accumulators are indexed by template packs: indexed by unrolled loops g++ 12 keeps the array in memory.
template <class V, int MR, int NP, class T, int... R, int... P>
LATHE_INLINE void tile_f32(std::integer_sequence<int, R...>, std::integer_sequence<int, P...>, const float* a,
                           const T* b, int64_t b_panel, int64_t k, float* t, int64_t t_panel, int64_t t_row, bool first,
                           Prefetch pf) {
  typename V::F acc[MR][NP];
  const auto load_row = [&](auto r) LATHE_INLINE_LAMBDA {
    ((acc[r.value][P] = first ? V::zero() : V::load(t + P * t_panel + r.value * t_row)), ...);
  };
  (load_row(std::integral_constant<int, R>{}), ...);

  const auto step = [&](const float* ak, const T* bk) LATHE_INLINE_LAMBDA {
    const typename V::F w[NP] = {load_weights<V>(bk + P * b_panel)...};
    const auto row = [&](auto r) LATHE_INLINE_LAMBDA {
      const typename V::S x = V::broadcast(ak + r.value);
      (V::fma(acc[r.value][P], x, w[P]), ...);
    };
    (row(std::integral_constant<int, R>{}), ...);
  };
  int64_t i = 0;
  for (; i + 4 <= k; i += 4) {
    pf.template step<V>();
    step(a, b);
    step(a + MR, b + 16);
    step(a + 2 * MR, b + 32);
    step(a + 3 * MR, b + 48);
    a += 4 * MR;
    b += 64;
  }
  for (; i < k; ++i) {
    step(a, b);
    a += MR;
    b += 16;
  }
  const auto store_row = [&](auto r) LATHE_INLINE_LAMBDA {
    (V::store(t + P * t_panel + r.value * t_row, acc[r.value][P]), ...);
  };
  (store_row(std::integral_constant<int, R>{}), ...);
}

template <class T>
using TileF32 = void (*)(const float* a, const T* b, int64_t b_panel, int64_t k, float* t, int64_t t_panel,
                         int64_t t_row, bool first, Prefetch pf);

template <class V, int MR, int NP, class T>
void tile_f32_entry(const float* a, const T* b, int64_t b_panel, int64_t k, float* t, int64_t t_panel, int64_t t_row,
                    bool first, Prefetch pf) {
  tile_f32<V, MR, NP, T>(std::make_integer_sequence<int, MR>{}, std::make_integer_sequence<int, NP>{}, a, b, b_panel, k,
                         t, t_panel, t_row, first, pf);
}

template <class V, int NP, class T, class Rows>
struct TilesF32;
template <class V, int NP, class T, int... R>
struct TilesF32<V, NP, T, std::integer_sequence<int, R...>> {
  static constexpr TileF32<T> kOfRows[] = {tile_f32_entry<V, R + 1, NP, T>...};  // [rows - 1]
};
