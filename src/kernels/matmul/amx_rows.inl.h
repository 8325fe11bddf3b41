// The rows of AMX, over the lanes V. There is none for a few rows of A: ops/regimes.cc has them run without tiles.

template <class N, int KC>
int64_t scratch_tile_blocks(int64_t m, int64_t) noexcept {
  constexpr int64_t kScales = 2 * KC / N::kSpan;
  return (2 * m + kScales) * kPanel * 4 + 2 * kTileTurn * kTileSums * 4 + KC * kPanel;
}
inline int64_t scratch_tile_sums(int64_t m, int64_t) noexcept { return 4 * m * kPanel * 4; }

template <class V, class N, int KC>
constexpr Variant row_tile_blocks(const char* name, const char* numerics, Type w, Layout layout,
                                  void (*prepare)(const PrepareArgs&) noexcept, const char* what) {
  return {name,
          numerics,
          V::kIsa,
          Type::f32,
          w,
          layout,
          N::kForm,
          kTileRows,
          kPanel,
          KC,
          0,
          what,
          refuses_quantised,
          scratch_tile_blocks<N, KC>,
          prepare,
          run_tile_blocks<V, N, KC>};
}

template <class V, template <class> class Codes>
constexpr Variant row_tile_a8(const char* name, Type w, Layout layout) {
  return row_tile_blocks<V, TileA8<V, Codes>, 512>(name, "a8", w, layout, prepare_tile_s8<V>,
                                                   "16x16 tile of tdpbsud, chunks of W as bytes");
}

template <class V, class N>
constexpr Variant row_tile_sums(const char* name, const char* numerics, Type a, Type w, int mr,
                                const char* (*refuses)(const Variant&, const Problem&) noexcept,
                                void (*prepare)(const PrepareArgs&) noexcept, const char* what) {
  return {name,       numerics, V::kIsa, a,    w,       Layout::panel_i8,  N::kForm, mr,
          2 * kPanel, 0,        0,       what, refuses, scratch_tile_sums, prepare,  run_tile_sums<V, N>};
}

constexpr Variant kRows[] = {
    row_tile_blocks<V, TileA16<V>, 512>("amx.a16.q8_0.blocked", "a16", Type::q8_0, Layout::panel_q8,
                                        prepare_tile_split_block<V>,
                                        "16x16 tile of tdpbssd and tdpbusd, W where it lies"),
    row_tile_a8<V, CodesQ4_0>("amx.a8.q4_0.blocked", Type::q4_0, Layout::panel_q4),
    row_tile_a8<V, CodesQ4_1>("amx.a8.q4_1.blocked", Type::q4_1, Layout::panel_q4m),
    row_tile_a8<V, CodesQ4K>("amx.a8.q4_k.blocked", Type::q4_k, Layout::panel_q4k),
    row_tile_a8<V, CodesQ5K>("amx.a8.q5_k.blocked", Type::q5_k, Layout::panel_q5k),
    row_tile_a8<V, CodesQ6K>("amx.a8.q6_k.blocked", Type::q6_k, Layout::panel_q6k),
    row_tile_blocks<V, TileA7<V>, 512>("amx.a7.q8_a7.blocked", "a7", Type::q8_a7, Layout::panel_q8s, prepare_tile_u7<V>,
                                       "16x16 tile of tdpbssd, W where it lies"),
    row_tile_b16<V, 256>("amx.b16.bf16_b16.blocked", "32x32 tile of tdpbf16ps, chunks of W where they lie"),
    row_tile_sums<V, TileSplit>("amx.a16r.i8.blocked", "a16r", Type::f32, Type::i8, kTileRows, refuses_quantised,
                                prepare_tile_split_row<V>, "16x32 tile of tdpbssd and tdpbusd over all of K"),
    row_tile_sums<V, TileS8>("amx.s32.s8s8.blocked", "s32", Type::s8, Type::s8, 2 * kTileRows, refuses_integer,
                             prepare_tile_bytes<V>, "32x32 tile of tdpbssd, exact"),
    row_tile_sums<V, TileU8>("amx.s32.u8s8.blocked", "s32", Type::u8, Type::s8, 2 * kTileRows, refuses_integer,
                             prepare_tile_bytes<V>, "32x32 tile of tdpbusd, exact"),
};
