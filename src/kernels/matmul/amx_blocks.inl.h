// The numerics that scale each block of 32 k (a16, a7, a8), by tiles: a tile product has the exact sums of one step of
// a chain, [16][16] s32; they go through memory (36 cycles until they are back) and into the f32 sums in the same order
// and by the same operations as in the tiles of registers. The vector units, which did the products too, then have
// three instructions a step and row left to do: of 16 rows and 32 k 24 cycles, beside 16 of the tile unit.

// Four tile products are a turn: W's four tiles are loaded once for all row groups, and a row's sums once for four.
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

// What a turn reads and adds to: A's bytes and floats of the first row of the call, sums [m][16] at t.
struct TileTurn {
  const TileGroups& groups;
  const std::byte* a;
  int64_t a_row, a_plane;  // bytes from row to row, from plane to plane
  const float* floats;
  int64_t floats_row;
  float* t;
  int32_t* dot;  // scratch: [kTileTurn][16][16]
};

template <class N>
constexpr int kTileBlocks = kTileTurn / N::kPlanes* N::kStep / kBlock;  // of a whole turn

// kBlocks blocks from `block` of the chunk on (from k = k0 + 32 * block on) for all row groups.
template <class V, class N, int kBlocks, int... D>
LATHE_INLINE void tile_turn(std::integer_sequence<int, D...>, const TileTurn& x, const TileWeights& w, int64_t k0,
                            int64_t block, Spread ahead, int64_t call) {
  using Shapes = TileShapes<2>;
  const auto load_w = [&](auto d) LATHE_INLINE_LAMBDA {
    if constexpr (d.value % N::kPlanes == 0)
      tile_load<Shapes::kW + d.value>(w.bytes + (block * kBlock + d.value / N::kPlanes * N::kStep) * kPanel, kTileLine);
  };
  (load_w(std::integral_constant<int, D>{}), ...);
  const typename N::template Sums<kBlocks> sums(w, block);
  const int64_t rows = x.groups.rows();
  for (int64_t g = 0; g < x.groups.count(); ++g) {
    const int64_t r0 = x.groups.begin(g);
    const std::byte* a = x.a + r0 * x.a_row + k0 + block * kBlock;
    const auto product = [&](auto d) LATHE_INLINE_LAMBDA {
      constexpr int kStep = d.value / N::kPlanes, kPlane = d.value % N::kPlanes;
      constexpr int kSum = d.value % 2, kA = Shapes::kA + d.value % 2;
      tile_load<kA>(a + kStep * N::kStep + kPlane * x.a_plane, x.a_row);
      tile_zero<kSum>();
      tile_multiply<N::kSigns[kPlane], kSum, kA, Shapes::kW + kStep * N::kPlanes>();
      tile_store<kSum>(x.dot + d.value * kTileSums);
    };
    (product(std::integral_constant<int, D>{}), ...);
    ahead.of(call + g).template step<V>();
    const float* floats = x.floats + (k0 / kBlock + block) * N::kFloats + r0 * x.floats_row;
    for (int64_t r = x.groups.unused(g); r < rows; ++r) {
      float* t = x.t + (r0 + r) * kPanel;
      V::store(t, sums.add(V::load(t), x.dot + r * kPanel, floats + r * x.floats_row));
    }
  }
}

// A function of its own: inlined into the loops around it, its addresses were kept in vector registers.
template <class V, class N, int kBlocks>
[[gnu::noinline]] void tile_turn_entry(const TileTurn& x, const TileWeights& w, int64_t k0, int64_t block,
                                       const Spread& ahead, int64_t call) {
  constexpr int kProducts = kBlocks * kBlock / N::kStep * N::kPlanes;
  tile_turn<V, N, kBlocks>(std::make_integer_sequence<int, kProducts>{}, x, w, k0, block, ahead, call);
}

template <class V, class N, int KC>
void run_tile_blocks(const Args& x) noexcept {
  const TileGroups groups(x.m);
  const TileShapes<2> shapes(groups.rows(), N::kStep);
  const int64_t fold = x.epilogue.gated ? 2 : 1;
  const int64_t panels = (x.n + kPanel - 1) / kPanel;
  const int64_t k = (x.k + kBlock - 1) / kBlock * kBlock;
  const int64_t chunk = even_chunk(k, KC, kBlock * kTileBlocks<N>);
  const int64_t plane = prepared_k(N::kForm, x.k);
  float* t = reinterpret_cast<float*>(x.scratch);
  float* scale = t + 2 * x.m * kPanel;
  float* offset = scale + KC / N::kSpan * kPanel;
  int32_t* dot = reinterpret_cast<int32_t*>(offset + KC / N::kSpan * kPanel);
  uint8_t* codes = reinterpret_cast<uint8_t*>(dot + kTileTurn * kTileSums);
  for (int64_t p = 0; p < panels; ++p) {
    for (int64_t u = 0; u < fold; ++u) {
      const std::byte* panel = x.w + (p * fold + u) * x.w_panel;
      const TileTurn turn = {groups,
                             static_cast<const std::byte*>(x.a),
                             plane * N::kPlanes,
                             plane,
                             x.a_scale,
                             k / kBlock * N::kFloats,
                             t + u * x.m * kPanel,
                             dot};
      __builtin_memset(turn.t, 0, static_cast<size_t>(x.m * kPanel) * sizeof(float));
      const Spread ahead({panel + x.w_panel, 1, x.w_panel, 0}, k / kBlock * groups.count(), 4);
      int64_t call = 0;
      for (int64_t k0 = 0, kk; k0 < k; k0 += kk) {
        kk = min_of(chunk, k - k0);
        const TileWeights w = N::chunk(panel, k, k0, kk, scale, offset, codes);
        int64_t block = 0;
        for (; block + kTileBlocks<N> <= kk / kBlock; block += kTileBlocks<N>, call += groups.count())
          tile_turn_entry<V, N, kTileBlocks<N>>(turn, w, k0, block, ahead, call);
        for (; block < kk / kBlock; ++block, call += groups.count())
          tile_turn_entry<V, N, 1>(turn, w, k0, block, ahead, call);
      }
    }
    finish<V>(x, p * kPanel, 1, t);
  }
}
