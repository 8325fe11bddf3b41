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

// t[p][16] = the sums of NP panels, w_panel bytes apart, for one row; blocks of 32 k.
template <class V, int NP>
void row_dpbf16(const uint32_t* a, const std::byte* w, int64_t w_panel, int64_t blocks, float* t) {
  constexpr int64_t kBytes = kBlock * kPanel * sizeof(bf16);  // of a panel's block
  constexpr int kHalf = kB16Pairs / 2;
  typename V::F sum[NP];
  for (auto& of_panel : sum) of_panel = V::zero();
  for (int64_t b = 0; b < blocks; ++b, w += kBytes, a += kB16Pairs) {
    for (int p = 0; p < NP; ++p) {
      prefetch_row<V, NP>(w + p * w_panel - b * kBytes, w_panel, b * kBytes, kBytes);
      const auto* words = reinterpret_cast<const uint32_t*>(w + p * w_panel);
      typename V::F even = V::zero(), odd = V::zero();
      for (int i = 0; i < kHalf; ++i) {
        const typename V::I first = V::iload_b16(words + 2 * i * kPanel);
        const typename V::I second = V::iload_b16(words + (2 * i + 1) * kPanel);
        V::dot_b16(even, V::join_even(first, second), a + i);
        V::dot_b16(odd, V::join_odd(first, second), a + kHalf + i);
      }
      sum[p] = V::add(sum[p], V::add(even, odd));
    }
  }
  for (int p = 0; p < NP; ++p) V::store(t + p * kPanel, sum[p]);
}

template <class V>
void run_row_dpbf16(const Args& x) noexcept {
  run_panels<V>(x, [&](const std::byte* w, auto panels, float* t) LATHE_INLINE_LAMBDA {
    const FlushSubnormals flush;
    row_dpbf16<V, decltype(panels)::value>(static_cast<const uint32_t*>(x.a), w, x.w_panel, (x.k + kBlock - 1) / kBlock,
                                           t);
  });
}

template <class V>
constexpr Variant row_dpbf16_one(const char* name, const char* what) {
  return {name,
          "b16",
          V::kIsa,
          Type::f32,
          Type::bf16_b16,
          Layout::panel_b16,
          AForm::pairs_b16,
          1,
          kStreams * kPanel,
          0,
          1,
          what,
          refuses_quantised,
          scratch_row,
          prepare_pairs_b16<V>,
          run_row_dpbf16<V>};
}
