// The b16 numerics by vdpbf16ps, which multiplies two pairs of bf16 and adds the high product, then the low one, to one
// chain: a word therefore holds two neighbours of a chain, and not, as in a panel, one of each.

// MR rows by one panel over k, a multiple of 32: t += the sums of each block. A is [k/32][2][8][MR] words, w
// [k/2][16][2].
template <class V, int... R>
LATHE_INLINE void tile_dpbf16(std::integer_sequence<int, R...>, const uint32_t* a, const uint32_t* w, int64_t k,
                              float* t, Prefetch pf) {
  constexpr int kRows = sizeof...(R);
  constexpr int kHalf = kB16Pairs / 2;
  typename V::F even[kRows], odd[kRows];
  for (int64_t block = 0; block < k / kBlock; ++block, a += 2 * kHalf * kRows) {
    ((even[R] = odd[R] = V::zero()), ...);
    for (int i = 0; i < kHalf; ++i, w += 2 * kPanel) {
      pf.template step<V>();
      const typename V::I first = V::iload_b16(w), second = V::iload_b16(w + kPanel);
      const typename V::I evens = V::join_even(first, second), odds = V::join_odd(first, second);
      const uint32_t* at = a + i * kRows;
      (V::dot_b16(even[R], evens, at + R), ...);
      (V::dot_b16(odd[R], odds, at + kHalf * kRows + R), ...);
    }
    (V::store(t + R * kPanel, V::add(V::load(t + R * kPanel), V::add(even[R], odd[R]))), ...);
  }
}

template <class V, int MR>
void tile_dpbf16_entry(const uint32_t* a, const uint32_t* w, int64_t k, float* t, Prefetch pf) {
  tile_dpbf16<V>(std::make_integer_sequence<int, MR>{}, a, w, k, t, pf);
}

template <class V, class Rows>
struct TilesDpbf16;
template <class V, int... R>
struct TilesDpbf16<V, std::integer_sequence<int, R...>> {
  using A = uint32_t;
  static constexpr AForm kForm = AForm::pairs_b16;
  static constexpr TileB16<A> kOfRows[] = {tile_dpbf16_entry<V, R + 1>...};  // [rows - 1]
};
