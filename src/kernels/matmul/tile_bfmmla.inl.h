// The d16 numerics by lanes that multiply rows in pairs, four k a step.

// MR rows by one panel over k, a multiple of 4: t += the pairs, one after the other. A is [k/2][MR], w [k/2][16].
template <class V, int kRows, int... P>
LATHE_INLINE void tile_bfmmla(std::integer_sequence<int, P...>, const uint32_t* a, const uint32_t* w, int64_t k,
                              float* t, Prefetch pf) {
  constexpr auto next = [](int row) { return row + 1 < kRows ? row + 1 : row; };
  typename V::Pair acc[] = {V::load_pair(t + 2 * P * kPanel, t + next(2 * P) * kPanel)...};
  for (int64_t i = 0; i < k; i += 4, a += 2 * kRows, w += 2 * kPanel) {
    pf.template step<V>();
    V::template add_pairs<kRows, P...>(acc, a, w);
  }
  (V::template store_pair<(2 * P + 1 < kRows)>(acc[P], t + 2 * P * kPanel, t + next(2 * P) * kPanel), ...);
}

template <class V, int kRows>
void tile_bfmmla_entry(const uint32_t* a, const uint32_t* w, int64_t k, float* t, Prefetch pf) {
  tile_bfmmla<V, kRows>(std::make_integer_sequence<int, (kRows + 1) / 2>{}, a, w, k, t, pf);
}

template <class Rows>
struct TilesBfmmla;
template <int... R>
struct TilesBfmmla<std::integer_sequence<int, R...>> {
  using A = uint32_t;
  static constexpr AForm kForm = AForm::pairs_d16;
  static constexpr TileB16<A> kOfRows[] = {tile_bfmmla_entry<NeonBf16Lanes, R + 1>...};  // [rows - 1]
};
