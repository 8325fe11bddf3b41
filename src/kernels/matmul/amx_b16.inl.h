// The b16 numerics by tdpbf16ps, whose two chains of 32 k are those of the numerics: two tiles of A by two panels of W
// and four of sums, which take 32 k a step.

template <int kSum, int kA, int kW>
LATHE_INLINE void tile_multiply_b16() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kA), "i"(kW));
}

// What one row group, or two, and one panel, or two, are multiplied from and added to.
struct TileB16Operands {
  const std::byte* a;
  int64_t a_row, a_tile;  // bytes from row to row and from group to group
  const std::byte* w;
  int64_t w_panel;
  float* t;
  int64_t t_tile, t_panel;  // floats
};

// k of the chunk, a multiple of 32. The sums begin at 0 or with what t has.
template <class V, int kTiles, int kPanels>
[[gnu::noinline]] void tile_b16_sums(TileB16Operands x, int64_t k, bool first, Prefetch pf) {
  using Shapes = TileShapes<4>;
  const auto sums = [&](auto i, auto p) LATHE_INLINE_LAMBDA { return x.t + i.value * x.t_tile + p.value * x.t_panel; };
  const auto each = [&](auto act) LATHE_INLINE_LAMBDA {
    using Zero = std::integral_constant<int, 0>;
    using One = std::integral_constant<int, 1>;
    act(Zero{}, Zero{}, Zero{});
    if constexpr (kPanels == 2) act(Zero{}, One{}, One{});
    if constexpr (kTiles == 2) act(One{}, Zero{}, std::integral_constant<int, 2>{});
    if constexpr (kTiles == 2 && kPanels == 2) act(One{}, One{}, std::integral_constant<int, 3>{});
  };
  each([&](auto i, auto p, auto tile) LATHE_INLINE_LAMBDA {
    if (first) {
      tile_zero<decltype(tile)::value>();
    } else {
      tile_load<decltype(tile)::value>(sums(i, p), kTileLine);
    }
  });
  for (; k > 0; k -= kBlock, x.a += kTileLine, x.w += kTileLine * kB16Pairs) {
    pf.template step<V>();
    tile_load<Shapes::kW>(x.w, kTileLine);
    tile_load<Shapes::kA>(x.a, x.a_row);
    tile_multiply_b16<0, Shapes::kA, Shapes::kW>();
    if constexpr (kPanels == 2) {
      tile_load<Shapes::kW + 1>(x.w + x.w_panel, kTileLine);
      tile_multiply_b16<1, Shapes::kA, Shapes::kW + 1>();
    }
    if constexpr (kTiles == 2) {
      tile_load<Shapes::kA + 1>(x.a + x.a_tile, x.a_row);
      tile_multiply_b16<2, Shapes::kA + 1, Shapes::kW>();
      if constexpr (kPanels == 2) tile_multiply_b16<3, Shapes::kA + 1, Shapes::kW + 1>();
    }
  }
  each([&](auto i, auto p, auto tile)
           LATHE_INLINE_LAMBDA { tile_store<decltype(tile)::value>(reinterpret_cast<int32_t*>(sums(i, p))); });
}

// The chunk of two panels of W that is multiplied after that of panels p, p + 1 at k0.
struct TileB16Ahead {
  const Args& x;
  int64_t p, p0, p1, k0, kk;
  Spread spread(int64_t calls, int64_t steps) const {
    const bool same_chunk = p + 2 < p1, same_turn = k0 + kk < (x.k + kBlock - 1) / kBlock * kBlock;
    const int64_t panel = same_chunk ? p + 2 : same_turn ? p0 : p1, at = same_chunk ? k0 : same_turn ? k0 + kk : 0;
    return Spread({x.w + panel * x.w_panel + at * kPanel * 2, 2, kk * kPanel * 2, x.w_panel}, calls, steps);
  }
};

// Rows of A of which each group has as many, and their rows of C. Panels take turns by eight, as those of f32 do: two
// at a time are written to C in runs of 128 bytes, each to a page of its own, which took longer than their products.
template <class V, int KC>
void run_tile_b16_rows(const Args& x, int64_t group) {
  const TileShapes<4> shapes(group, kTileLine);
  const int64_t k = (x.k + kBlock - 1) / kBlock * kBlock, chunk = even_chunk(k, KC, kBlock);
  const int64_t fold = x.epilogue.gated ? 2 : 1;
  const int64_t panels = (x.n + kPanel - 1) / kPanel * fold, groups = x.m / group;
  float* t = reinterpret_cast<float*>(x.scratch);
  TileB16Operands o{};
  o.a_row = prepared_k(AForm::tile_b16, x.k) * 2;
  o.a_tile = group * o.a_row;
  o.w_panel = x.w_panel;
  o.t_tile = group * kPanel;
  o.t_panel = x.m * kPanel;
  const int64_t pairs = (groups + 1) / 2;
  for (int64_t p0 = 0; p0 < panels; p0 += kPanelsPerTurn) {
    const int64_t p1 = min_of(p0 + kPanelsPerTurn, panels);
    for (int64_t k0 = 0, kk; k0 < k; k0 += kk) {
      kk = min_of(chunk, k - k0);
      for (int64_t p = p0; p < p1; p += 2) {
        const int64_t units = min_of(2, p1 - p);
        o.w = x.w + p * x.w_panel + k0 * kPanel * 2;
        // Steps of the tile are 32 k, and Spread counts four k a step.
        const Spread ahead = TileB16Ahead{x, p, p0, p1, k0, kk}.spread(pairs, kk / (kBlock / 4));
        for (int64_t g = 0; g < groups; g += 2) {
          o.a = static_cast<const std::byte*>(x.a) + g * o.a_tile + k0 * 2;
          o.t = t + (p - p0) * o.t_panel + g * o.t_tile;
          const bool two = g + 1 < groups;
          if (k0 + kk == k)
            prefetch_c<V>(x, g * group, two ? 2 * group : group, p / fold * kPanel, units / fold * kPanel);
          const auto run = units == 2 ? (two ? tile_b16_sums<V, 2, 2> : tile_b16_sums<V, 1, 2>)
                                      : (two ? tile_b16_sums<V, 2, 1> : tile_b16_sums<V, 1, 1>);
          run(o, kk, k0 == 0, ahead.of(g / 2));
        }
      }
    }
    finish<V>(x, p0 / fold * kPanel, (p1 - p0) / fold, t);
  }
}

// Groups of 16 rows, and those that are left as a group of their own: tiles are configured for one height.
template <class V, int KC>
void run_tile_b16(const Args& x) noexcept {
  const int64_t whole = x.m / kTileRows * kTileRows;
  Args part = x;
  part.m = whole;
  if (whole > 0) run_tile_b16_rows<V, KC>(part, kTileRows);
  part.m = x.m - whole;
  if (part.m == 0) return;
  const int64_t element = x.c_type == Type::f32 ? 4 : 2;
  part.a = static_cast<const std::byte*>(x.a) + whole * prepared_k(AForm::tile_b16, x.k) * 2;
  part.c = static_cast<std::byte*>(x.c) + whole * x.ldc * element;
  if (part.epilogue.residual != nullptr) part.epilogue.residual += whole * x.epilogue.residual_ld;
  run_tile_b16_rows<V, KC>(part, part.m);
}

template <class V>
void prepare_tile_b16(const PrepareArgs& x) noexcept {
  const int64_t row = prepared_k(AForm::tile_b16, x.k);
  bf16* out = static_cast<bf16*>(x.rows);
  if constexpr (requires { &V::turn_b16; }) {
    if (x.a_row == 1 && x.a_type == Type::f32 && x.m <= kTileRows) {
      const float* a = static_cast<const float*>(x.a);
      for (int64_t k0 = 0; k0 < x.k; k0 += kBlock)
        V::turn_b16(a + k0 * x.a_k, x.a_k, x.m, min_of(kBlock, x.k - k0), out + k0, row);
      return;
    }
  }
  for (int64_t r = 0; r < x.m; ++r)
    for (int64_t k0 = 0; k0 < x.k; k0 += kBlock) b16_block<V>(x, r, k0, out + r * row + k0);
}

inline int64_t scratch_tile_b16(int64_t m, int64_t) noexcept {
  return kPanelsPerTurn * m * kPanel * static_cast<int64_t>(sizeof(float));
}

template <class V, int KC>
constexpr Variant row_tile_b16(const char* name, const char* what) {
  return {name,
          "b16",
          V::kIsa,
          Type::f32,
          Type::bf16_b16,
          Layout::panel_b16,
          AForm::tile_b16,
          kTileRows,
          2 * kPanel,
          KC,
          0,
          what,
          refuses_quantised,
          scratch_tile_b16,
          prepare_tile_b16<V>,
          run_tile_b16<V, KC>};
}
