// The b16 numerics by multiply-adds of f32, on a machine that has no product of bf16 or has that of one chain.

constexpr int kB16Pairs = kBlock / 2;  // of k in a block

template <class V, int R>
LATHE_INLINE void b16_step(typename V::F& acc, const float* a, const typename V::F& w) {
  if constexpr (multiplies_from_memory<V>(R, 1)) {
    fma_from<V>(acc, a + R, w);
  } else {
    V::fma(acc, V::broadcast(a + R), w);
  }
}

// MR rows by one panel over k, a multiple of 32: t += the sums of each block. A is [k/32][2][16][MR], w
// [k/2][16][2]. The two chains of a block are two passes over it: both at once would halve the rows of a tile.
template <class V, int... R>
LATHE_INLINE void tile_b16(std::integer_sequence<int, R...>, const float* a, const uint32_t* w, int64_t k, float* t,
                           Prefetch pf) {
  constexpr int kRows = sizeof...(R);
  typename V::F acc[kRows];
  alignas(64) float even[kRows * kPanel];
  for (int64_t block = 0; block < k / kBlock; ++block, w += kB16Pairs * kPanel) {
    ((acc[R] = V::zero()), ...);
    for (int pair = 0; pair < kB16Pairs; ++pair, a += kRows) {
      if (pair % 2 == 0) pf.template step<V>();
      const typename V::F x = V::load_even_b16(w + pair * kPanel);
      (b16_step<V, R>(acc[R], a, x), ...);
    }
    (V::store(even + R * kPanel, acc[R]), ...);
    ((acc[R] = V::zero()), ...);
    for (int pair = 0; pair < kB16Pairs; ++pair, a += kRows) {
      const typename V::F x = V::load_odd_b16(w + pair * kPanel);
      (b16_step<V, R>(acc[R], a, x), ...);
    }
    (V::store(t + R * kPanel, V::add(V::load(t + R * kPanel), V::add(V::load(even + R * kPanel), acc[R]))), ...);
  }
}

template <class A>
using TileB16 = void (*)(const A* a, const uint32_t* w, int64_t k, float* t, Prefetch pf);

template <class V, int MR>
void tile_b16_entry(const float* a, const uint32_t* w, int64_t k, float* t, Prefetch pf) {
  tile_b16<V>(std::make_integer_sequence<int, MR>{}, a, w, k, t, pf);
}

template <class V, class Rows>
struct TilesB16;
template <class V, int... R>
struct TilesB16<V, std::integer_sequence<int, R...>> {
  using A = float;
  static constexpr AForm kForm = AForm::strips_b16;
  static constexpr TileB16<A> kOfRows[] = {tile_b16_entry<V, R + 1>...};  // [rows - 1]
};
