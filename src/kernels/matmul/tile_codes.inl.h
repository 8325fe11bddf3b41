// The a8 numerics: signed bytes of A by unsigned codes of W. Per kQuads * 4 weights the exact dot product is scaled
// into the f32 sums, per kSpan weights the sum of A times the offset is taken off.

// What goes with a block of 32 k of a row, [4][rows] floats: the scale, and scale * sum of all 32, of the first 16 and
// of the last 16.
constexpr int64_t kBlockFloats = 4;
template <int kSpan>
constexpr int64_t sum_of_span(int half) {
  return kSpan == kBlock ? 1 : 2 + half;
}

// MR rows by one panel; A is [k/4][MR][4] bytes, w [k/4][16][4] codes, k a multiple of 32. Sums at `t`, [MR][16].
template <class V, int kQuads, int kSpan, int... R>
LATHE_INLINE void tile_codes(std::integer_sequence<int, R...>, const int8_t* a, const float* a_floats, const uint8_t* w,
                             const float* scale, const float* offset, int64_t k, float* t, bool first, Prefetch pf) {
  constexpr int kRows = sizeof...(R);
  typename V::H acc[kRows];
  if (first) (V::store(t + R * kPanel, V::zero()), ...);
  for (int64_t block = 0; block < k / kBlock; ++block, a_floats += kBlockFloats * kRows)
    for (int half = 0; half < kBlock / kSpan; ++half, scale += kPanel, offset += kPanel) {
      const typename V::F scales = V::load(scale);
      for (int step = 0; step < kSpan / (4 * kQuads); ++step) {
        ((acc[R] = V::no_products()), ...);
        for (int quad = 0; quad < kQuads; ++quad) {
          pf.template step<V>();
          V::template add_products<R...>(acc, w, a);
          a += 4 * kRows;
          w += kCodeRow;
        }
        const auto flush = [&](auto r) LATHE_INLINE_LAMBDA {
          constexpr int kRow = decltype(r)::value;
          const typename V::F s = V::mul(scales, V::set1(a_floats[kRow]));
          float* sum = t + kRow * kPanel;
          V::store(sum, V::fmadd(V::to_float(V::joined_products(acc[kRow])), s, V::load(sum)));
        };
        (flush(std::integral_constant<int, R>{}), ...);
      }
      const typename V::F offsets = V::load(offset);
      const float* sums = a_floats + sum_of_span<kSpan>(half) * kRows;
      (V::store(t + R * kPanel, V::fnmadd(offsets, V::set1(sums[R]), V::load(t + R * kPanel))), ...);
    }
}

using TileCodes = void (*)(const int8_t* a, const float* a_floats, const uint8_t* w, const float* scale,
                           const float* offset, int64_t k, float* t, bool first, Prefetch pf);

template <class V, int kQuads, int kSpan, int MR>
void tile_codes_entry(const int8_t* a, const float* a_floats, const uint8_t* w, const float* scale, const float* offset,
                      int64_t k, float* t, bool first, Prefetch pf) {
  tile_codes<V, kQuads, kSpan>(std::make_integer_sequence<int, MR>{}, a, a_floats, w, scale, offset, k, t, first, pf);
}

template <class V, int kQuads, int kSpan, class Rows>
struct TilesCodes;
template <class V, int kQuads, int kSpan, int... R>
struct TilesCodes<V, kQuads, kSpan, std::integer_sequence<int, R...>> {
  static constexpr TileCodes kOfRows[] = {tile_codes_entry<V, kQuads, kSpan, R + 1>...};  // [rows - 1]
};
