// The a7 numerics: bytes by bytes, weights where they lie in their panel.

// MR rows by one panel. Per block of 32 k the exact dot product, which begins at -zero * sum of the weights, is scaled
// into the f32 sums at `t`. A is [k/4][MR][4] bytes, w is [k/4][16][4] bytes, k a multiple of 32.
template <class V, int... R>
LATHE_INLINE void tile_u7(std::integer_sequence<int, R...>, const uint8_t* a, const float* a_scale,
                          const int32_t* a_zero, const int8_t* w, const f16* w_scale, const int16_t* w_sum, int64_t k,
                          float* t, bool first, Prefetch pf) {
  constexpr int kRows = sizeof...(R);
  typename V::I acc[kRows];
  for (int64_t block = 0; block < k / kBlock; ++block) {
    const typename V::I sums = V::load_sums(w_sum + block * kPanel);
    ((acc[R] = V::times_sums(a_zero + block * kRows + R, sums)), ...);
    for (int quad = 0; quad < kBlock / 4; ++quad) {
      pf.template step<V>();
      V::template dot_rows_u7<R...>(acc, a, w);
      a += 4 * kRows;
      w += 4 * kPanel;
    }
    const typename V::F scales = V::load_f16(w_scale + block * kPanel);
    const auto flush = [&](auto r) LATHE_INLINE_LAMBDA {
      constexpr int kRow = decltype(r)::value;
      const typename V::F sum = first && block == 0 ? V::zero() : V::load(t + kRow * kPanel);
      const typename V::F scale = V::mul(scales, V::set1(a_scale[block * kRows + kRow]));
      V::store(t + kRow * kPanel, V::fmadd(V::to_float(acc[kRow]), scale, sum));
    };
    (flush(std::integral_constant<int, R>{}), ...);
  }
}

using TileU7 = void (*)(const uint8_t* a, const float* a_scale, const int32_t* a_zero, const int8_t* w,
                        const f16* w_scale, const int16_t* w_sum, int64_t k, float* t, bool first, Prefetch pf);

template <class V, int MR>
void tile_u7_entry(const uint8_t* a, const float* a_scale, const int32_t* a_zero, const int8_t* w, const f16* w_scale,
                   const int16_t* w_sum, int64_t k, float* t, bool first, Prefetch pf) {
  tile_u7<V>(std::make_integer_sequence<int, MR>{}, a, a_scale, a_zero, w, w_scale, w_sum, k, t, first, pf);
}

template <class V, class Rows>
struct TilesU7;
template <class V, int... R>
struct TilesU7<V, std::integer_sequence<int, R...>> {
  static constexpr TileU7 kOfRows[] = {tile_u7_entry<V, R + 1>...};  // [rows - 1]
};
