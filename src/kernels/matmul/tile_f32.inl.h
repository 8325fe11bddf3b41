// The register tile of the f32 numerics: MR rows by NP panels, one chain of fused multiply-adds per output.

// What a tile call should prefetch while it computes: `per_step` lines every four k, from `at` on, in rows of
// `row_lines` whose ends are `jump` bytes before the next row. The weights of the next chunk come from memory; asking
// for them during all row groups of this one hides that time. A line costs four instructions here: the tile of AVX-512
// starts three in a cycle where another thread shares the core, and finding each line by its number, with twelve, took
// 6 % of it.
struct Prefetch {
  const std::byte* at = nullptr;
  int64_t left = 0, row_lines = 0, jump = 0, per_step = 0;
  template <class V>
  LATHE_INLINE void step() {
    for (int64_t n = 0; n < per_step; ++n) {
      V::prefetch(at);
      at += 64;
      if (--left == 0) at += jump, left = row_lines;
    }
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

// Whether a row's multiply-adds read A from memory, each for itself, in place of one broadcast for all panels.
template <class V>
constexpr bool multiplies_from_memory(int row, int panels) {
  if constexpr (requires { V::multiplies_from_memory(row, panels); })
    return V::multiplies_from_memory(row, panels);
  else
    return false;
}

template <class V>
LATHE_INLINE void fma_from(typename V::F& acc, const float* a, typename V::F w) {
  if constexpr (requires { V::multiplies_from_memory(0, 1); }) V::fma_from(acc, a, w);
}

// Sums of a tile: row r of panel p at t + p * panel + r * row.
struct TileSums {
  float* t = nullptr;
  int64_t panel = 0, row = 0;
};

// to = (add ? to : 0) + acc, acc[r][p] over k from what `from` has (nullptr: 0). A is a strip, [k][MR]; the weights are
// [k][16] of T, panels b_panel elements apart.
// The accumulators are indexed by template packs: indexed by unrolled loops g++ 12 keeps the array in memory.
template <class V, int MR, int NP, class T, int... R, int... P>
LATHE_INLINE void tile_f32(std::integer_sequence<int, R...>, std::integer_sequence<int, P...>, const float* a,
                           const T* b, int64_t b_panel, int64_t k, TileSums from, TileSums to, bool add, Prefetch pf) {
  typename V::F acc[MR][NP];
  const auto load_row = [&](auto r) LATHE_INLINE_LAMBDA {
    ((acc[r.value][P] = from.t == nullptr ? V::zero() : V::load(from.t + P * from.panel + r.value * from.row)), ...);
  };
  (load_row(std::integral_constant<int, R>{}), ...);

  const auto step = [&](const float* ak, const T* bk) LATHE_INLINE_LAMBDA {
    const typename V::F w[NP] = {load_weights<V>(bk + P * b_panel)...};
    const auto row = [&](auto r) LATHE_INLINE_LAMBDA {
      if constexpr (multiplies_from_memory<V>(r.value, NP)) {
        (fma_from<V>(acc[r.value][P], ak + r.value, w[P]), ...);
      } else {
        const typename V::S x = V::broadcast(ak + r.value);
        (V::fma(acc[r.value][P], x, w[P]), ...);
      }
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
    (V::store(to.t + P * to.panel + r.value * to.row, acc[r.value][P]), ...);
  };
  const auto add_row = [&](auto r) LATHE_INLINE_LAMBDA {
    ((acc[r.value][P] = V::add(V::load(to.t + P * to.panel + r.value * to.row), acc[r.value][P])), ...);
  };
  if (add) (add_row(std::integral_constant<int, R>{}), ...);
  (store_row(std::integral_constant<int, R>{}), ...);
}

template <class T>
using TileF32 = void (*)(const float* a, const T* b, int64_t b_panel, int64_t k, TileSums from, TileSums to, bool add,
                         Prefetch pf);

template <class V, int MR, int NP, class T>
void tile_f32_entry(const float* a, const T* b, int64_t b_panel, int64_t k, TileSums from, TileSums to, bool add,
                    Prefetch pf) {
  tile_f32<V, MR, NP, T>(std::make_integer_sequence<int, MR>{}, std::make_integer_sequence<int, NP>{}, a, b, b_panel, k,
                         from, to, add, pf);
}

template <class V, int NP, class T, class Rows>
struct TilesF32;
template <class V, int NP, class T, int... R>
struct TilesF32<V, NP, T, std::integer_sequence<int, R...>> {
  static constexpr TileF32<T> kOfRows[] = {tile_f32_entry<V, R + 1, NP, T>...};  // [rows - 1]
};
