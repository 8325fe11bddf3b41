// The register tile of the integer numerics: MR rows by one panel over pairs of s16, exact in s32.

// kFlush (a16): after every 32 k the dot products are scaled into f32 sums at `t`; else (a16r, s32) they stay s32 over
// all of K and `t` holds s32. A is [k/2][MR] pairs, b is [k/2][16] pairs, k a multiple of 32.
template <class V, int MR, bool kFlush, int... R>
LATHE_INLINE void tile_s16(std::integer_sequence<int, R...>, const int16_t* a, const float* a_scale, const int16_t* b,
                           const float* w_scale, int64_t k, float* t, bool first, Prefetch pf) {
  typename V::I acc[MR];
  int32_t* ti = reinterpret_cast<int32_t*>(t);
  if constexpr (!kFlush) ((acc[R] = first ? V::izero() : V::iload(ti + R * 16)), ...);
  for (int64_t block = 0; block < k / kBlock; ++block) {
    if constexpr (kFlush) ((acc[R] = V::izero()), ...);
    for (int quad = 0; quad < kBlock / 2; quad += 2) {  // four k a turn, as in the f32 tile
      pf.template step<V>();
      V::template dot_rows<R...>(acc, a, b);
      V::template dot_rows<R...>(acc, a + 2 * MR, b + 32);
      a += 4 * MR;
      b += 64;
    }
    if constexpr (kFlush) {
      const typename V::F w = V::load(w_scale + block * 16);
      const auto flush = [&](auto r) LATHE_INLINE_LAMBDA {
        constexpr int kRow = decltype(r)::value;
        const typename V::F sum = first && block == 0 ? V::zero() : V::load(t + kRow * 16);
        const typename V::F scale = V::mul(w, V::set1(a_scale[block * MR + kRow]));
        V::store(t + kRow * 16, V::fmadd(V::to_float(acc[kRow]), scale, sum));
      };
      (flush(std::integral_constant<int, R>{}), ...);
    }
  }
  if constexpr (!kFlush) (V::istore(ti + R * 16, acc[R]), ...);
}

using TileS16 = void (*)(const int16_t* a, const float* a_scale, const int16_t* b, const float* w_scale, int64_t k,
                         float* t, bool first, Prefetch pf);

template <class V, int MR, bool kFlush>
void tile_s16_entry(const int16_t* a, const float* a_scale, const int16_t* b, const float* w_scale, int64_t k, float* t,
                    bool first, Prefetch pf) {
  tile_s16<V, MR, kFlush>(std::make_integer_sequence<int, MR>{}, a, a_scale, b, w_scale, k, t, first, pf);
}

template <class V, bool kFlush, class Rows>
struct TilesS16;
template <class V, bool kFlush, int... R>
struct TilesS16<V, kFlush, std::integer_sequence<int, R...>> {
  static constexpr TileS16 kOfRows[] = {tile_s16_entry<V, R + 1, kFlush>...};  // [rows - 1]
};
