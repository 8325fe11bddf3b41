// The tiles of a7 and a8 for lanes that multiply rows in pairs (V::Pair), eight k a step: the chains of tile_u7 and
// tile_codes, in which the order of the exact sums is free.

// acc[] += kk k of kRows rows by a panel, kk a multiple of 8.
template <class V, int kRows, int... P>
LATHE_INLINE void add_bytes_in_pairs(std::integer_sequence<int, P...>, typename V::Pair* acc, const uint8_t* a,
                                     const uint8_t* w, int kk, Prefetch& pf) {
  for (int k = 0; k < kk; k += 8, a += 8 * kRows, w += 8 * kPanel) {
    pf.template step<V>();
    pf.template step<V>();
    V::template add_pairs<kRows, P...>(acc, a, w);
  }
}

template <class V, int... R>
void tile_u7_pairs(const uint8_t* a, const float* a_scale, const int32_t* a_zero, const int8_t* w, const f16* w_scale,
                   const int16_t* w_sum, int64_t k, float* t, bool first, Prefetch pf) {
  constexpr int kRows = sizeof...(R), kPairs = (kRows + 1) / 2;
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(w);
  for (int64_t block = 0; block < k / kBlock; ++block) {
    typename V::Pair acc[kPairs];
    for (auto& pair : acc) pair = V::no_pair();
    add_bytes_in_pairs<V, kRows>(std::make_integer_sequence<int, kPairs>{}, acc, a + block * kBlock * kRows,
                                 bytes + block * kBlock * kPanel, kBlock, pf);
    const typename V::I sums = V::load_sums(w_sum + block * kPanel);
    const typename V::F scales = V::load_f16(w_scale + block * kPanel);
    const auto flush = [&](auto r) LATHE_INLINE_LAMBDA {
      constexpr int kRow = decltype(r)::value;
      const typename V::F sum = first && block == 0 ? V::zero() : V::load(t + kRow * kPanel);
      const typename V::F scale = V::mul(scales, V::set1(a_scale[block * kRows + kRow]));
      const typename V::I dot =
          V::iadd(V::template row_of_pair<kRow>(acc), V::times_sums(a_zero + block * kRows + kRow, sums));
      V::store(t + kRow * kPanel, V::fmadd(V::to_float(dot), scale, sum));
    };
    (flush(std::integral_constant<int, R>{}), ...);
  }
}

template <class V, int kQuads, int kSpan, int... R>
void tile_codes_pairs(const int8_t* a, const float* a_floats, const uint8_t* w, const float* scale, const float* offset,
                      int64_t k, float* t, bool first, Prefetch pf) {
  constexpr int kRows = sizeof...(R), kPairs = (kRows + 1) / 2, kStep = 4 * kQuads;
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(a);
  if (first) (V::store(t + R * kPanel, V::zero()), ...);
  for (int64_t block = 0; block < k / kBlock; ++block, a_floats += kBlockFloats * kRows)
    for (int half = 0; half < kBlock / kSpan; ++half, scale += kPanel, offset += kPanel) {
      const typename V::F scales = V::load(scale);
      for (int step = 0; step < kSpan / kStep; ++step, bytes += kStep * kRows, w += kStep * kPanel) {
        typename V::Pair acc[kPairs];
        for (auto& pair : acc) pair = V::no_pair();
        add_bytes_in_pairs<V, kRows>(std::make_integer_sequence<int, kPairs>{}, acc, bytes, w, kStep, pf);
        const auto flush = [&](auto r) LATHE_INLINE_LAMBDA {
          constexpr int kRow = decltype(r)::value;
          const typename V::F s = V::mul(scales, V::set1(a_floats[kRow]));
          float* sum = t + kRow * kPanel;
          V::store(sum, V::fmadd(V::to_float(V::template row_of_pair<kRow>(acc)), s, V::load(sum)));
        };
        (flush(std::integral_constant<int, R>{}), ...);
      }
      const typename V::F offsets = V::load(offset);
      const float* sums = a_floats + sum_of_span<kSpan>(half) * kRows;
      (V::store(t + R * kPanel, V::fnmadd(offsets, V::set1(sums[R]), V::load(t + R * kPanel))), ...);
    }
}

template <class V, class Rows>
struct PairTilesU7;
template <class V, int... R>
struct PairTilesU7<V, std::integer_sequence<int, R...>> {
  static constexpr TileU7 kTile = tile_u7_pairs<V, R...>;
};
template <int... R>
struct TilesU7<I8mmLanes, std::integer_sequence<int, R...>> {
  static constexpr TileU7 kOfRows[] = {PairTilesU7<I8mmLanes, std::make_integer_sequence<int, R + 1>>::kTile...};
};

template <class V, int kQuads, int kSpan, class Rows>
struct PairTilesCodes;
template <class V, int kQuads, int kSpan, int... R>
struct PairTilesCodes<V, kQuads, kSpan, std::integer_sequence<int, R...>> {
  static constexpr TileCodes kTile = tile_codes_pairs<V, kQuads, kSpan, R...>;
};
template <int kQuads, int kSpan, int... R>
struct TilesCodes<I8mmLanes, kQuads, kSpan, std::integer_sequence<int, R...>> {
  static constexpr TileCodes kOfRows[] = {
      PairTilesCodes<I8mmLanes, kQuads, kSpan, std::make_integer_sequence<int, R + 1>>::kTile...};
};
