// The numerics whose sums over all of K are whole numbers (a16r, s32), by tiles: two tiles of A by two panels of W, and
// four of sums, which stay in their registers over all of K. 64 bytes of k a step where K is a multiple of it, as it is
// in every model; otherwise 32, at half the rate.

// kPlanes: 2 where both tiles of A are the same rows, high and low bytes (a16r); else they are two row groups.
struct TileS8 {
  static constexpr AForm kForm = AForm::tile_bytes;
  static constexpr int kPlanes = 1;
  static constexpr Signs kSigns[] = {Signs::both, Signs::both};
};
struct TileU8 {
  static constexpr AForm kForm = AForm::tile_bytes;
  static constexpr int kPlanes = 1;
  static constexpr Signs kSigns[] = {Signs::w_only, Signs::w_only};
};
struct TileSplit {
  static constexpr AForm kForm = AForm::tile_split_row;
  static constexpr int kPlanes = 2;
  static constexpr Signs kSigns[] = {Signs::both, Signs::w_only};
};

// Sums of kTiles tiles of A, a_tile bytes apart, by kPanels panels, w_panel bytes apart: into to[tile][panel].
template <class N, int kTiles, int kPanels>
[[gnu::noinline]] void tile_sums(const std::byte* a, int64_t a_row, int64_t a_tile, const std::byte* w, int64_t w_panel,
                                 int64_t k, int64_t step, int32_t* const (&to)[2][2]) {
  using Shapes = TileShapes<4>;
  tile_zero<0>(), tile_zero<1>(), tile_zero<2>(), tile_zero<3>();
  for (int64_t i = 0; i < k; i += step, a += step, w += step * kPanel) {
    tile_load<Shapes::kW>(w, kTileLine);
    if constexpr (kPanels == 2) tile_load<Shapes::kW + 1>(w + w_panel, kTileLine);
    tile_load<Shapes::kA>(a, a_row);
    tile_multiply<N::kSigns[0], 0, Shapes::kA, Shapes::kW>();
    if constexpr (kPanels == 2) tile_multiply<N::kSigns[0], 1, Shapes::kA, Shapes::kW + 1>();
    if constexpr (kTiles == 2) {
      tile_load<Shapes::kA + 1>(a + a_tile, a_row);
      tile_multiply<N::kSigns[1], 2, Shapes::kA + 1, Shapes::kW>();
      if constexpr (kPanels == 2) tile_multiply<N::kSigns[1], 3, Shapes::kA + 1, Shapes::kW + 1>();
    }
  }
  tile_store<0>(to[0][0]);
  if constexpr (kPanels == 2) tile_store<1>(to[0][1]);
  if constexpr (kTiles == 2) tile_store<2>(to[1][0]);
  if constexpr (kTiles == 2 && kPanels == 2) tile_store<3>(to[1][1]);
}

template <class N, int kTiles>
void tile_sums_of(int64_t units, const std::byte* a, int64_t a_row, int64_t a_tile, const Args& x, const std::byte* w,
                  int64_t k, int64_t step, int32_t* const (&to)[2][2]) {
  if (units == 2) return tile_sums<N, kTiles, 2>(a, a_row, a_tile, w, x.w_panel, k, step, to);
  tile_sums<N, kTiles, 1>(a, a_row, a_tile, w, x.w_panel, k, step, to);
}

// The sums of the high bytes become those of the whole numbers, modulo 2^32, where they fit.
inline void join_planes(int32_t* high, const int32_t* low, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    high[i] = static_cast<int32_t>(static_cast<uint32_t>(high[i]) * 256 + static_cast<uint32_t>(low[i]));
}

template <class V, class N>
void run_tile_sums(const Args& x) noexcept {
  const TileGroups groups(x.m);
  const int64_t k = (x.k + kBlock - 1) / kBlock * kBlock, step = k % 64 == 0 ? 64 : kBlock;
  const TileShapes<4> shapes(groups.rows(), step);
  const int64_t fold = x.epilogue.gated ? 2 : 1;
  const int64_t panels = (x.n + kPanel - 1) / kPanel * fold;
  const int64_t plane = prepared_k(N::kForm, x.k), a_row = plane * N::kPlanes;
  const int64_t of_panel = x.m * kPanel;
  int32_t* sums = reinterpret_cast<int32_t*>(x.scratch);  // [2 panels][m][16], and behind them those of the low bytes
  const std::byte* a = static_cast<const std::byte*>(x.a);
  for (int64_t p = 0; p < panels; p += 2) {
    const int64_t units = min_of(2, panels - p), col = p / fold * kPanel;
    const std::byte* w = x.w + p * x.w_panel;
    for (int64_t g = 0; g < groups.count(); g += 2 / N::kPlanes) {
      const int64_t r0 = groups.begin(g);
      const bool two = N::kPlanes == 2 || g + 1 < groups.count();
      const int64_t r1 = N::kPlanes == 2 ? r0 + 2 * x.m : two ? groups.begin(g + 1) : r0;
      int32_t* const to[2][2] = {{sums + r0 * kPanel, sums + r0 * kPanel + of_panel},
                                 {sums + r1 * kPanel, sums + r1 * kPanel + of_panel}};
      const int64_t a_tile = N::kPlanes == 2 ? plane : (r1 - r0) * a_row;
      if (two) {
        tile_sums_of<N, 2>(units, a + r0 * a_row, a_row, a_tile, x, w, k, step, to);
      } else {
        tile_sums_of<N, 1>(units, a + r0 * a_row, a_row, a_tile, x, w, k, step, to);
      }
    }
    if constexpr (N::kPlanes == 2) join_planes(sums, sums + 2 * of_panel, units * of_panel);
    for (int64_t u = 0; u < units; ++u) {
      float* t = reinterpret_cast<float*>(sums + u * of_panel);
      const std::byte* panel = w + u * x.w_panel;
      if constexpr (N::kPlanes == 2) {
        scale_rows<V>(x, PanelI8<V>::scale(panel, k), t);
      } else {
        correct_zero_points<V>(x, col + u * kPanel, PanelI8<V>::column_sum(panel, k), t);
      }
    }
    if (x.c_type != Type::s32) finish<V>(x, col, units / fold, reinterpret_cast<const float*>(sums));
  }
}
