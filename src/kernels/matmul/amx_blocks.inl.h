// The numerics that scale each block of 32 k (a16, a7, a8), by tiles: a tile product has the exact sums of one step of
// a chain, [16][16] s32; they go through memory (36 cycles until they are back) and into the f32 sums in the same order
// and by the same operations as in the tiles of registers. The vector units, which did the products too, then have
// three instructions a step and row left to do: of 16 rows and 32 k 24 cycles, beside 16 of the tile unit.

// Tile products of a turn, as many as there are tiles for sums: a row's sums are loaded and stored once for all of
// them.
constexpr int kTileTurn = 4;

// What a chunk of a panel is multiplied by: bytes [kk/4][16][4]; f32 scales, and for codes offsets, [kk/kSpan][16].
struct TileWeights {
  const std::byte* bytes;
  const float *scale, *offset;
};

// f16 scales behind the bytes of a panel, of kk weights from k0 on.
template <class V>
TileWeights tile_weights_q8(const std::byte* panel, int64_t k, int64_t k0, int64_t kk, float* scale) {
  const f16* d = reinterpret_cast<const f16*>(panel + k * kPanel) + k0 / kBlock * kPanel;
  for (int64_t b = 0; b < kk / kBlock; ++b) V::store(scale + b * kPanel, V::load_f16(d + b * kPanel));
  return {panel + k0 * kPanel, scale, nullptr};
}

// kStep: k of a tile product; kPlanes: products of a step; kFloats: floats that go with a block of a row of A.
// Sums<n> adds what a row's products of n blocks give, `dot` [n * products of a block][16][16].
template <class V>
struct TileA7 {
  static constexpr AForm kForm = AForm::tile_u7;
  static constexpr int kStep = kBlock, kPlanes = 1, kSpan = kBlock, kFloats = 1;
  static constexpr Signs kSigns[] = {Signs::both};
  static TileWeights chunk(const std::byte* panel, int64_t k, int64_t k0, int64_t kk, float* scale, float*, uint8_t*) {
    return tile_weights_q8<V>(panel, k, k0, kk, scale);
  }
  template <int kBlocks>
  struct Sums {
    typename V::F scale[kBlocks];
    explicit Sums(const TileWeights& w, int64_t block) {
      for (int b = 0; b < kBlocks; ++b) scale[b] = V::load(w.scale + (block + b) * kPanel);
    }
    LATHE_INLINE typename V::F add(typename V::F sum, const int32_t* dot, const float* a) const {
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b)
        sum = V::fmadd(V::to_float(V::iload(dot + b * kTileSums)), V::mul(scale[b], V::set1(a[b])), sum);
      return sum;
    }
  };
};

// dot = 256 * that of the high bytes + that of the low ones: both are below 2^24 and exact as floats, so the fused step
// rounds where the conversion of the whole dot product would.
template <class V>
struct TileA16 {
  static constexpr AForm kForm = AForm::tile_split_block;
  static constexpr int kStep = kBlock, kPlanes = 2, kSpan = kBlock, kFloats = 1;
  static constexpr Signs kSigns[] = {Signs::both, Signs::w_only};
  static TileWeights chunk(const std::byte* panel, int64_t k, int64_t k0, int64_t kk, float* scale, float*, uint8_t*) {
    return tile_weights_q8<V>(panel, k, k0, kk, scale);
  }
  template <int kBlocks>
  struct Sums {
    typename V::F scale[kBlocks];
    explicit Sums(const TileWeights& w, int64_t block) {
      for (int b = 0; b < kBlocks; ++b) scale[b] = V::load(w.scale + (block + b) * kPanel);
    }
    LATHE_INLINE typename V::F add(typename V::F sum, const int32_t* dot, const float* a) const {
      const typename V::F shift = V::set1(256.0f);
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b, dot += 2 * kTileSums) {
        const typename V::F low = V::to_float(V::iload(dot + kTileSums));
        const typename V::F whole = V::fmadd(V::to_float(V::iload(dot)), shift, low);
        sum = V::fmadd(whole, V::mul(scale[b], V::set1(a[b])), sum);
      }
      return sum;
    }
  };
};

template <class V, template <class> class Codes>
struct TileA8 {
  using C = Codes<V>;
  static constexpr AForm kForm = AForm::tile_s8;
  static constexpr int kStep = 4 * C::kQuads, kPlanes = 1, kSpan = C::kSpan, kFloats = kBlockFloats;
  static constexpr Signs kSigns[] = {Signs::a_only};
  static TileWeights chunk(const std::byte* panel, int64_t, int64_t k0, int64_t kk, float* scale, float* offset,
                           uint8_t* codes) {
    decode_codes<V, Codes>(panel, k0, kk, codes, scale, offset);
    return {reinterpret_cast<const std::byte*>(codes), scale, offset};
  }
  template <int kBlocks>
  struct Sums {
    static constexpr int kSpans = kBlocks * kBlock / kSpan, kSteps = kSpan / kStep;
    typename V::F scale[kSpans], offset[kSpans];
    explicit Sums(const TileWeights& w, int64_t block) {
      for (int s = 0; s < kSpans; ++s) {
        scale[s] = V::load(w.scale + (block * kBlock / kSpan + s) * kPanel);
        offset[s] = V::load(w.offset + (block * kBlock / kSpan + s) * kPanel);
      }
    }
    LATHE_INLINE typename V::F add(typename V::F sum, const int32_t* dot, const float* a) const {
#pragma GCC unroll 4
      for (int s = 0; s < kSpans; ++s) {
        const float* floats = a + s * kSpan / kBlock * kBlockFloats;
        const typename V::F both = V::mul(scale[s], V::set1(floats[0]));
#pragma GCC unroll 4
        for (int i = 0; i < kSteps; ++i, dot += kTileSums) sum = V::fmadd(V::to_float(V::iload(dot)), both, sum);
        sum = V::fnmadd(offset[s], V::set1(floats[sum_of_span<kSpan>(s % (kBlock / kSpan))]), sum);
      }
      return sum;
    }
  };
};

// What turns read and add to: A's bytes and floats of the first row of the call, sums [m][16] at t.
struct TileOperands {
  TileGroups groups;
  const std::byte* a;
  int64_t a_row, a_plane;  // bytes from row to row, from plane to plane
  const float* floats;
  int64_t floats_row;
  float* t;
  int32_t* dot;  // scratch: [2][kTileTurn][16][16], by turns
};

// A row group's turn whose products lie in memory and are not yet among the sums.
struct TilePending {
  int64_t first = 0, rows = 0;  // of the group's rows that count; 0: there is none
  float* t;
  const int32_t* dot;
  const float* floats;
  int64_t block;  // of the chunk
};

// Adds rows [begin, end) of 16 of what is pending.
template <class V, class Sums>
LATHE_INLINE void add_pending(const TileOperands& x, const TilePending& p, const Sums& sums, int64_t begin,
                              int64_t end) {
  if (begin < p.first) begin = p.first;
  if (end > p.rows) end = p.rows;
  float* t = p.t + begin * kPanel;
  const int32_t* dot = p.dot + begin * kPanel;
  const float* floats = p.floats + begin * x.floats_row;
#pragma GCC unroll 1
  for (int64_t left = end - begin; left > 0; --left, t += kPanel, dot += kPanel, floats += x.floats_row)
    V::store(t, sums.add(V::load(t), dot, floats));
}

template <class N>
constexpr int kTileBlocks = kTileTurn / N::kPlanes* N::kStep / kBlock;  // of a whole turn

// kBlocks blocks of one row group, from `block` of the chunk on (k = k0 + 32 * block). Between its products stand the
// sums of the turn before: the tile unit and the vector units then work side by side, which they do not do on their own
// over so many instructions (206 cycles a turn of a7, one behind the other 294). A product is stored behind the next
// one.
template <class V, class N, int kBlocks, int... D>
LATHE_INLINE TilePending tile_turn(std::integer_sequence<int, D...>, const TileOperands& x, const TileWeights& w,
                                   int64_t k0, int64_t block, int64_t g, int64_t call, const TilePending& before) {
  using Shapes = TileShapes<kTileTurn>;
  constexpr int kProducts = sizeof...(D);
  constexpr int64_t kShare = (kTileRows + kProducts - 1) / kProducts;
  const typename N::template Sums<kBlocks> sums(w, before.block);
  const int64_t r0 = x.groups.begin(g);
  const std::byte* a = x.a + r0 * x.a_row + k0 + block * kBlock;
  const std::byte* bytes = w.bytes + block * kBlock * kPanel;
  int32_t* dot = x.dot + call % 2 * kTileTurn * kTileSums;
  const auto product = [&](auto d) LATHE_INLINE_LAMBDA {
    constexpr int kStep = d.value / N::kPlanes, kPlane = d.value % N::kPlanes;
    constexpr int kA = Shapes::kA + d.value % 2, kW = Shapes::kW + kStep % 2;
    if constexpr (kPlane == 0) tile_load<kW>(bytes + kStep * N::kStep * kPanel, kTileLine);
    tile_load<kA>(a + kStep * N::kStep + kPlane * x.a_plane, x.a_row);
    tile_zero<d.value>();
    tile_multiply<N::kSigns[kPlane], d.value, kA, kW>();
    if constexpr (d.value > 0) tile_store<d.value - 1>(dot + (d.value - 1) * kTileSums);
    add_pending<V>(x, before, sums, d.value * kShare, (d.value + 1) * kShare);
  };
  (product(std::integral_constant<int, D>{}), ...);
  tile_store<kProducts - 1>(dot + (kProducts - 1) * kTileSums);
  const float* floats = x.floats + (k0 / kBlock + block) * N::kFloats + r0 * x.floats_row;
  return {x.groups.unused(g), x.groups.rows(), x.t + r0 * kPanel, dot, floats, block};
}

// All row groups, kBlocks blocks at a time, as often as they fit between `block` and `end`, blocks of the chunk. A
// function of its own: inlined into the loops around it, its addresses were kept in vector registers.
template <class V, class N, int kBlocks>
[[gnu::noinline]] int64_t tile_turns(const TileOperands& x, const TileWeights& w, int64_t k0, int64_t block,
                                     int64_t end, const Spread& ahead, int64_t* call) {
  constexpr int kProducts = kBlocks * kBlock / N::kStep * N::kPlanes;
  TilePending pending = {.t = x.t, .dot = x.dot, .floats = x.floats, .block = block};
  for (; block + kBlocks <= end; block += kBlocks)
    for (int64_t g = 0; g < x.groups.count(); ++g, ++*call) {
      ahead.of(*call).template step<V>();
      pending =
          tile_turn<V, N, kBlocks>(std::make_integer_sequence<int, kProducts>{}, x, w, k0, block, g, *call, pending);
    }
  add_pending<V>(x, pending, typename N::template Sums<kBlocks>(w, pending.block), 0, kTileRows);
  return block;
}

template <class V, class N, int KC>
void run_tile_blocks(const Args& x) noexcept {
  const TileGroups groups(x.m);
  const TileShapes<kTileTurn> shapes(groups.rows(), N::kStep);
  const int64_t fold = x.epilogue.gated ? 2 : 1;
  const int64_t panels = (x.n + kPanel - 1) / kPanel;
  const int64_t k = (x.k + kBlock - 1) / kBlock * kBlock;
  const int64_t chunk = even_chunk(k, KC, kBlock * kTileBlocks<N>);
  const int64_t plane = prepared_k(N::kForm, x.k);
  float* t = reinterpret_cast<float*>(x.scratch);
  float* scale = t + 2 * x.m * kPanel;
  float* offset = scale + KC / N::kSpan * kPanel;
  int32_t* dot = reinterpret_cast<int32_t*>(offset + KC / N::kSpan * kPanel);
  uint8_t* codes = reinterpret_cast<uint8_t*>(dot + 2 * kTileTurn * kTileSums);
  for (int64_t p = 0; p < panels; ++p) {
    for (int64_t u = 0; u < fold; ++u) {
      const std::byte* panel = x.w + (p * fold + u) * x.w_panel;
      const TileOperands operands = {groups,
                                     static_cast<const std::byte*>(x.a),
                                     plane * N::kPlanes,
                                     plane,
                                     x.a_scale,
                                     k / kBlock * N::kFloats,
                                     t + u * x.m * kPanel,
                                     dot};
      __builtin_memset(operands.t, 0, static_cast<size_t>(x.m * kPanel) * sizeof(float));
      const int64_t calls = (k / kBlock + kTileBlocks<N> - 1) / kTileBlocks<N> * groups.count();
      const Spread ahead({panel + x.w_panel, 1, x.w_panel, 0}, calls, 4);
      int64_t call = 0;
      for (int64_t k0 = 0, kk; k0 < k; k0 += kk) {
        kk = min_of(chunk, k - k0);
        const TileWeights w = N::chunk(panel, k, k0, kk, scale, offset, codes);
        const int64_t end = kk / kBlock;
        const int64_t left = tile_turns<V, N, kTileBlocks<N>>(operands, w, k0, 0, end, ahead, &call);
        if (left < end) tile_turns<V, N, 1>(operands, w, k0, left, end, ahead, &call);
      }
    }
    finish<V>(x, p * kPanel, 1, t);
  }
}
