// A row of A, or a few (a decoder's step): nothing is decoded into scratch, since every weight is used once or a few
// times and the memory is the limit. Same sums and bits as the tiles.

// Panels summed side by side, so that memory is read in as many streams: four read 1.25 times what one does on Zen 3
// (src/tune/ceiling_avx2.cc). There nothing is prefetched by hand: with a prefetch ahead of each stream the same loops
// read 26 GB/s, without one 38, as prefetches hold the first-level cache's few miss buffers for all of a memory
// latency, where the hardware's own prefetcher waits at the second level. Lanes that are better off with it have
// kRowAhead.
constexpr int64_t kStreams = 4;

// Asks for `bytes` of a panel, kRowAhead behind `offset`; behind its end, of the panel that follows NP further on.
template <class V, int NP>
LATHE_INLINE void prefetch_row(const std::byte* panel, int64_t w_panel, int64_t offset, int64_t bytes) {
  if constexpr (requires { V::kRowAhead; }) {
    int64_t at = offset + V::kRowAhead;
    if (at >= w_panel) at += (NP - 1) * w_panel;
    for (int64_t line = 0; line < bytes; line += 64) V::prefetch_near(panel + at + line);
  }
}

// Rows that share the weights' loads, each prepared by itself; those of a8 stand in codes.inl.h.
constexpr int kFewRowsA16 = 4, kFewRowsF32 = 2;

// t[p][r][16] = the a16 sums of NP panels, w_panel bytes apart, and R rows; blocks of 32 k.
template <class V, int NP, int R>
void row_a16_tile(const int16_t* a, const float* a_scale, const std::byte* w, int64_t w_panel, int64_t blocks,
                  float* t) {
  constexpr int64_t kBytes = kBlock * kPanel;  // of a panel's block
  const std::byte* scale = w + blocks * kBytes;
  typename V::F sum[NP][R];
  for (auto& panel : sum)
    for (auto& row : panel) row = V::zero();
  for (int64_t b = 0; b < blocks; ++b, w += kBytes, scale += kPanel * sizeof(f16), a += kBlock) {
    for (int p = 0; p < NP; ++p) {
      prefetch_row<V, NP>(w + p * w_panel - b * kBytes, w_panel, b * kBytes, kBytes);
      if constexpr (requires { V::kRowAhead; }) V::prefetch(scale + (p + NP) * w_panel);  // of the next panels
      const typename V::F w_scale = V::load_f16(reinterpret_cast<const f16*>(scale + p * w_panel));
      typename V::I dot[R];
      V::template dot_blocks_q8<R>(reinterpret_cast<const int8_t*>(w + p * w_panel), a, blocks * kBlock, dot);
      for (int r = 0; r < R; ++r) {
        const typename V::F s = V::mul(w_scale, V::set1(a_scale[r * blocks + b]));
        sum[p][r] = V::fmadd(V::to_float(dot[r]), s, sum[p][r]);
      }
    }
  }
  for (int p = 0; p < NP; ++p)
    for (int r = 0; r < R; ++r) V::store(t + (p * R + r) * kPanel, sum[p][r]);
}

// t[p][r][16] = the f32 sums of NP panels, b_panel elements apart, and R rows, k elements apart.
template <class V, int NP, int R, class T>
void row_f32_tile(const float* a, const T* b, int64_t b_panel, int64_t k, float* t) {
  typename V::F acc[NP][R];
  for (auto& panel : acc)
    for (auto& row : panel) row = V::zero();
  const auto add = [&](int64_t i, const T* of_k) LATHE_INLINE_LAMBDA {
    for (int p = 0; p < NP; ++p) {
      const typename V::F w = load_weights<V>(of_k + p * b_panel);
      for (int r = 0; r < R; ++r) V::fma(acc[p][r], V::broadcast(a + r * k + i), w);
    }
  };
  int64_t i = 0;
  for (; i + 4 <= k; i += 4, b += 4 * kPanel) {
    if constexpr (R == 1) {  // a panel at a time: its four loads are of two lines
      for (int p = 0; p < NP; ++p) {
        constexpr int64_t kBytes = 4 * kPanel * sizeof(T);
        prefetch_row<V, NP>(reinterpret_cast<const std::byte*>(b + p * b_panel - i * kPanel), b_panel * sizeof(T),
                            i * kPanel * sizeof(T), kBytes);
        for (int u = 0; u < 4; ++u)
          V::fma(acc[p][0], V::broadcast(a + i + u), load_weights<V>(b + p * b_panel + u * kPanel));
      }
    } else {
      for (int u = 0; u < 4; ++u) add(i + u, b + u * kPanel);
    }
  }
  for (; i < k; ++i, b += kPanel) add(i, b);
  for (int p = 0; p < NP; ++p)
    for (int r = 0; r < R; ++r) V::store(t + (p * R + r) * kPanel, acc[p][r]);
}

// tile(first panel of W, how many: kStreams or 1, t) for all panels of W, and what follows the sums.
template <class V, class Tile>
void run_panels(const Args& x, const Tile& tile) {
  const int64_t fold = x.epilogue.gated ? 2 : 1;
  const int64_t panels = (x.n + kPanel - 1) / kPanel * fold;
  float* t = reinterpret_cast<float*>(x.scratch);
  for (int64_t p = 0; p < panels;) {
    const int64_t units = panels - p >= kStreams ? kStreams : fold;
    if (units == kStreams) {
      tile(x.w + p * x.w_panel, std::integral_constant<int, kStreams>{}, t);
    } else {
      for (int64_t u = 0; u < units; ++u)
        tile(x.w + (p + u) * x.w_panel, std::integral_constant<int, 1>{}, t + u * x.m * kPanel);
    }
    finish<V>(x, p / fold * kPanel, units / fold, t);
    p += units;
  }
}

// The same for 1 to kMost rows: tile(first panel of W, how many, rows, t).
template <class V, int kMost, class Tile>
void run_few_rows(const Args& x, const Tile& tile) {
  const auto of = [&](auto rows) LATHE_INLINE_LAMBDA {
    if (x.m == rows)
      run_panels<V>(x,
                    [&](const std::byte* w, auto panels, float* t) LATHE_INLINE_LAMBDA { tile(w, panels, rows, t); });
  };
  of(std::integral_constant<int, 1>{});
  of(std::integral_constant<int, 2>{});
  if constexpr (kMost > 2) {
    of(std::integral_constant<int, 3>{});
    of(std::integral_constant<int, 4>{});
  }
}

// Two panels of two rows fit the registers at a time. Three rows gain nothing over the tile, and four lose.
template <class V, template <class> class Weights>
void run_rows_f32(const Args& x) noexcept {
  using T = typename Weights<V>::Element;
  run_few_rows<V, kFewRowsF32>(x, [&](const std::byte* w, auto panels, auto rows, float* t) LATHE_INLINE_LAMBDA {
    constexpr int kRows = decltype(rows)::value, kPanels = decltype(panels)::value;
    constexpr int kAtOnce = kRows == 1 || kPanels == 1 ? kPanels : 2;
    for (int p = 0; p < kPanels; p += kAtOnce)
      row_f32_tile<V, kAtOnce, kRows, T>(static_cast<const float*>(x.a), reinterpret_cast<const T*>(w + p * x.w_panel),
                                         x.w_panel / static_cast<int64_t>(sizeof(T)), x.k, t + p * kRows * kPanel);
  });
}

template <class V>
void run_rows_a16(const Args& x) noexcept {
  run_few_rows<V, kFewRowsA16>(x, [&](const std::byte* w, auto panels, auto rows, float* t) LATHE_INLINE_LAMBDA {
    row_a16_tile<V, decltype(panels)::value, decltype(rows)::value>(static_cast<const int16_t*>(x.a), x.a_scale, w,
                                                                    x.w_panel, (x.k + kBlock - 1) / kBlock, t);
  });
}

// A block of a record: the a8 chains of R rows, a_row bytes and floats_row floats apart. `floats`: kBlockFloats of A.
template <class V, class Codes, int R>
LATHE_INLINE void row_codes_block(const typename Codes::Record& record, int64_t block, const int8_t* a, int64_t a_row,
                                  const float* floats, int64_t floats_row, typename V::F* sum) {
  const auto scales = record.scales(block);
  typename V::F s[R];
  typename V::H acc[R];
  for (int r = 0; r < R; ++r) {
    s[r] = V::mul(scales.scale[0], V::set1(floats[r * floats_row]));
    acc[r] = V::no_products();
  }
  const auto pair = [&](auto p) LATHE_INLINE_LAMBDA {
    constexpr int kPair = p.value, kPairs = Codes::kQuads / 2, kOfSpan = Codes::kSpan / 8;
    typename V::B even, odd;
    record.template codes<kPair>(block, even, odd);
    for (int r = 0; r < R; ++r) {
      V::add_product(acc[r], even, a + r * a_row + 8 * kPair);
      V::add_product(acc[r], odd, a + r * a_row + 8 * kPair + 4);
    }
    if constexpr ((kPair + 1) % kPairs == 0)
      for (int r = 0; r < R; ++r) {
        sum[r] = V::fmadd(V::to_float(V::joined_products(acc[r])), s[r], sum[r]);
        acc[r] = V::no_products();
      }
    if constexpr ((kPair + 1) % kOfSpan == 0) {
      constexpr int kHalf = kPair / kOfSpan;
      for (int r = 0; r < R; ++r) {
        const float* of_row = floats + r * floats_row;
        sum[r] = V::fnmadd(scales.offset[kHalf], V::set1(of_row[sum_of_span<Codes::kSpan>(kHalf)]), sum[r]);
        if constexpr (kPair < 3) s[r] = V::mul(scales.scale[kHalf + 1], V::set1(of_row[0]));
      }
    }
  };
  pair(std::integral_constant<int, 0>{});
  pair(std::integral_constant<int, 1>{});
  pair(std::integral_constant<int, 2>{});
  pair(std::integral_constant<int, 3>{});
}

// t[p][r][16] = the a8 sums of NP panels and R rows. The panels take turns block by block and not record by record: of
// Q4_K's 2.3 KB a record memory then came in one stream at a time, at 0.67 of the speed.
template <class V, class Codes, int NP, int R>
void row_codes_tile(const int8_t* a, const float* floats, const std::byte* w, int64_t w_panel, int64_t records,
                    float* t) {
  const int64_t blocks = records * Codes::kBlocks;
  typename V::F sum[NP][R];
  for (auto& panel : sum)
    for (auto& row : panel) row = V::zero();
  for (int64_t i = 0; i < records; ++i, w += Codes::kRecord)
    for (int64_t block = 0; block < Codes::kBlocks; ++block, a += kBlock, floats += kBlockFloats)
      for (int p = 0; p < NP; ++p) {
        constexpr int64_t kBytes = Codes::kRecord / Codes::kBlocks;
        prefetch_row<V, NP>(w + p * w_panel - i * Codes::kRecord, w_panel, i * Codes::kRecord + block * kBytes, kBytes);
        row_codes_block<V, Codes, R>(typename Codes::Record(w + p * w_panel), block, a, blocks * kBlock, floats,
                                     blocks * kBlockFloats, sum[p]);
      }
  for (int p = 0; p < NP; ++p)
    for (int r = 0; r < R; ++r) V::store(t + (p * R + r) * kPanel, sum[p][r]);
}

template <class V, template <class> class Codes>
void run_rows_codes(const Args& x) noexcept {
  using C = Codes<V>;
  run_few_rows<V, C::kFewRows>(x, [&](const std::byte* w, auto panels, auto rows, float* t) LATHE_INLINE_LAMBDA {
    row_codes_tile<V, C, decltype(panels)::value, decltype(rows)::value>(
        static_cast<const int8_t*>(x.a), x.a_scale, w, x.w_panel, (x.k + kBlock - 1) / kBlock / C::kBlocks, t);
  });
}

// One panel more than the sums: a plain product names the up half that it does not have.
inline int64_t scratch_row(int64_t m, int64_t) noexcept {
  return (kStreams + 1) * m * kPanel * static_cast<int64_t>(sizeof(float));
}

template <class V>
constexpr Variant row_a16_few(const char* name, const char* what) {
  return {name,
          "a16",
          V::kIsa,
          Type::f32,
          Type::q8_0,
          Layout::panel_q8,
          AForm::quant_block,
          1,
          kStreams * kPanel,
          0,
          kFewRowsA16,
          what,
          refuses_quantised,
          scratch_row,
          prepare_quant_block<V>,
          run_rows_a16<V>};
}

template <class V, template <class> class Codes>
constexpr Variant row_a8_few(const char* name, Type w, Layout layout, const char* what) {
  return {name,
          "a8",
          V::kIsa,
          Type::f32,
          w,
          layout,
          AForm::quant_s8,
          1,
          kStreams * kPanel,
          0,
          Codes<V>::kFewRows,
          what,
          refuses_quantised,
          scratch_row,
          prepare_quant_s8<V>,
          run_rows_codes<V, Codes>};
}

template <class V, template <class> class Weights>
constexpr Variant row_f32_few(const char* name, Type w, Layout layout, const char* what) {
  return {name,
          "f32",
          V::kIsa,
          Type::f32,
          w,
          layout,
          AForm::strips,
          1,
          kStreams * kPanel,
          0,
          kFewRowsF32,
          what,
          refuses_f32,
          scratch_row,
          prepare_strips<V>,
          run_rows_f32<V, Weights>};
}
