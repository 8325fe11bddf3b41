// The loop around the register tiles, for any m, n, k: for each panel (or pair of panels), for each chunk of K, for
// each row group. A chunk of weights is fetched from memory once and serves all rows from the nearest cache.

constexpr int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

// K in chunks of equal size, as few as `most` allows: 288 as 288 or 2 x 144, not 256 + 32, whose second chunk is all
// prologue. A multiple of `unit`.
constexpr int64_t even_chunk(int64_t k, int64_t most, int64_t unit) {
  const int64_t chunks = (k + most - 1) / most;
  return ((k + chunks - 1) / chunks + unit - 1) / unit * unit;
}

// The lines of one region, spread over `calls` tile calls of kk each.
struct Spread {
  const std::byte* from = nullptr;
  int64_t stride = 0, row_lines = 1, total = 0, per_call = 0, per_step = 0;
  Spread() = default;
  Spread(const Ahead& region, int64_t calls, int64_t kk)
      : from(region.from), stride(region.stride), row_lines((region.row_bytes + 63) / 64) {
    if (row_lines < 1) row_lines = 1;
    total = region.rows * row_lines;
    const int64_t steps = kk / 4 > 0 ? kk / 4 : 1;
    per_step = (total + calls * steps - 1) / (calls * steps);
    per_call = per_step * steps;
  }
  Prefetch of(int64_t call) const {
    const int64_t line = call * per_call;
    if (line >= total) return {};
    const int64_t row = line / row_lines, place = line % row_lines;
    return {from + row * stride + place * 64, row_lines - place, row_lines, stride - row_lines * 64, per_step};
  }
};

// What the tile calls of a chunk prefetch: the chunk of weights that follows, or the two regions that the caller reads
// next, taking turns.
struct ChunkPrefetch {
  Spread even, odd;
  int64_t call = 0;  // of the first row group
  Prefetch of(int64_t group) const {
    if (odd.total == 0) return even.of(group);
    return ((call + group) & 1 ? odd : even).of((call + group) / 2);
  }
};

// Where the sums of a chunk come from and where they go: nowhere (0), [m][16] scratch, C itself where they are C.
struct Sums {
  TileSums from, to;
  bool add = false;  // to what stands there
};

// The lines of C that a row group is about to write, asked for while its last chunk is summed: a store that misses the
// second-level cache otherwise waits at the head of the store queue, row after row.
template <class V>
void prefetch_c(const Args& x, int64_t r0, int64_t rows, int64_t col, int64_t columns) {
  const int64_t element = x.c_type == Type::f32 ? 4 : 2;
  const std::byte* c = static_cast<const std::byte*>(x.c) + (r0 * x.ldc + col) * element;
  for (int64_t r = 0; r < rows; ++r, c += x.ldc * element)
    for (int64_t line = 0; line < columns * element; line += 64) V::prefetch_near(c + line);
}

// The tiles of one chunk for all row groups. b: the first of `units` panels, b_panel elements apart; col: their first
// column of C.
template <class V, int MR, int NP, class T>
void chunk_f32(const Args& x, const RowGroups& groups, int64_t units, int64_t col, const T* b, int64_t b_panel,
               int64_t k0, int64_t kk, const Sums& sums, const ChunkPrefetch& pf) {
  using Rows = std::make_integer_sequence<int, MR>;
  for (int64_t g = 0; g < groups.count; ++g) {
    const int64_t r0 = groups.begin(g), rows = groups.rows(g);
    const float* a = static_cast<const float*>(x.a) + r0 * x.k + k0 * rows;
    TileSums from = sums.from, to = sums.to;
    if (from.t != nullptr) from.t += r0 * from.row;
    to.t += r0 * to.row;
    if (k0 + kk == x.k) prefetch_c<V>(x, r0, rows, col, x.epilogue.gated ? kPanel : units * kPanel);
    if constexpr (NP == 2) {
      if (units == 2) {
        TilesF32<V, 2, T, Rows>::kOfRows[rows - 1](a, b, b_panel, kk, from, to, sums.add, pf.of(g));
        continue;
      }
    }
    for (int64_t u = 0; u < units; ++u) {
      TilesF32<V, 1, T, Rows>::kOfRows[rows - 1](a, b + u * b_panel, 0, kk, from, to, sums.add, pf.of(g));
      if (from.t != nullptr) from.t += from.panel;
      to.t += to.panel;
    }
  }
}

// Panels of W whose chunks take turns before the next chunk of K: a chunk of A (192 rows of 256: 192 KiB) then comes
// from the second-level cache eight times and from further away once.
constexpr int64_t kPanelsPerTurn = 8;

template <class V, template <class> class Weights, int MR, int NP, int KC>
void run_f32(const Args& x) noexcept {
  using W = Weights<V>;
  using T = typename W::Element;
  const RowGroups groups(x.m, MR);
  const int64_t fold = x.epilogue.gated ? 2 : 1;   // panels of W per panel of C
  const int64_t step = x.epilogue.gated ? 2 : NP;  // panels of W per tile
  const int64_t panels = (x.n + kPanel - 1) / kPanel * fold;
  float* scratch = reinterpret_cast<float*>(x.scratch);
  float* decoded = scratch + kPanelsPerTurn * x.m * kPanel;
  // Weights that one row group uses once are read by the tile itself; more groups share a decoded chunk.
  const bool direct = W::kInPlace || (W::kReadable && groups.count == 1);
  const bool plain = is_plain(x);
  const int64_t chunk = even_chunk(x.k, KC, 4);
  for (int64_t p0 = 0; p0 < panels; p0 += kPanelsPerTurn) {
    const int64_t p1 = min_of(p0 + kPanelsPerTurn, panels);
    // The last chunk writes C itself where nothing else happens to the sums and all 16 columns are there.
    const bool in_c = plain && p1 * kPanel <= x.n;
    const TileSums kept = {scratch, x.m * kPanel, kPanel}, c = {static_cast<float*>(x.c) + p0 * kPanel, kPanel, x.ldc};
    for (int64_t k0 = 0, kk; k0 < x.k; k0 += kk) {
      kk = min_of(chunk, x.k - k0);
      for (int64_t p = p0; p < p1; p += step) {
        const int64_t units = min_of(step, p1 - p);
        const std::byte* panel = x.w + p * x.w_panel;
        ChunkPrefetch pf;
        if (k0 + kk == x.k && x.ahead[0].rows != 0) {
          const int64_t calls = panels / step * groups.count / 2 + 1;
          pf = {Spread(x.ahead[0], calls, kk), Spread(x.ahead[1], calls, kk), p / step * groups.count};
        } else {
          const bool same_chunk = p + step < p1, same_turn = k0 + kk < x.k;
          pf.even = Spread(W::region(x,
                                     x.w + (same_chunk  ? p + step
                                            : same_turn ? p0
                                                        : p1) *
                                               x.w_panel,
                                     units,
                                     same_chunk  ? k0
                                     : same_turn ? k0 + kk
                                                 : 0,
                                     kk),
                           groups.count, kk);
        }
        const bool into_c = in_c && k0 + kk == x.k;
        const auto at = [&](TileSums sums) { return TileSums{sums.t + (p - p0) * sums.panel, sums.panel, sums.row}; };
        const Sums sums = {k0 == 0 ? TileSums{} : at(kept), at(into_c ? c : kept), into_c && x.epilogue.beta != 0.0f};
        if (direct) {
          const T* b = reinterpret_cast<const T*>(panel) + k0 * kPanel;
          chunk_f32<V, MR, NP, T>(x, groups, units, p / fold * kPanel, b, x.w_panel / static_cast<int64_t>(sizeof(T)),
                                  k0, kk, sums, pf);
          continue;
        }
        for (int64_t u = 0; u < units; ++u)
          W::chunk(x, panel + u * x.w_panel, min_of(kPanel, x.n - (p + u) / fold * kPanel), k0, kk,
                   decoded + u * KC * kPanel);
        chunk_f32<V, MR, NP, float>(x, groups, units, p / fold * kPanel, decoded, KC * kPanel, k0, kk, sums, pf);
      }
    }
    if (!in_c) finish<V>(x, p0 / fold * kPanel, (p1 - p0) / fold, scratch);
  }
}

// While a panel is computed the next one is fetched, scales and all. By chunks of it, the scales at its end came late.
inline Spread next_panel(const Args& x, const std::byte* panel, int64_t chunk, int64_t groups) {
  const int64_t chunks = (x.k + chunk - 1) / chunk;
  return Spread({panel + x.w_panel, 1, x.w_panel, 0}, chunks * groups, x.k / chunks);
}

// The integer numerics. kForm says which: quant_block a16, quant_row a16r, widened s32.
template <class V, template <class> class Weights, AForm kForm, int MR, int KC>
void run_s16(const Args& x) noexcept {
  using W = Weights<V>;
  constexpr bool kFlush = kForm == AForm::quant_block;
  using Tiles = TilesS16<V, kFlush, std::make_integer_sequence<int, MR>>;
  const RowGroups groups(x.m, MR);
  const int64_t fold = x.epilogue.gated ? 2 : 1;
  const int64_t panels = (x.n + kPanel - 1) / kPanel;
  const int64_t k = prepared_k(kForm, x.k);
  const int64_t chunk = even_chunk(k, KC, kBlock);
  const int64_t t_panel = x.m * kPanel;
  float* t = reinterpret_cast<float*>(x.scratch);
  int16_t* decoded = reinterpret_cast<int16_t*>(t + 2 * t_panel);
  float* w_scale = reinterpret_cast<float*>(decoded + KC * kPanel);
  const int16_t* a = static_cast<const int16_t*>(x.a);
  for (int64_t p = 0; p < panels; ++p) {
    for (int64_t u = 0; u < fold; ++u) {
      const std::byte* panel = x.w + (p * fold + u) * x.w_panel;
      float* tu = t + u * t_panel;
      const Spread pf = next_panel(x, panel, chunk, groups.count);
      int64_t call = 0;
      for (int64_t k0 = 0, kk; k0 < k; k0 += kk) {
        kk = min_of(chunk, k - k0);
        W::chunk(panel, k, k0, kk, decoded, w_scale);
        for (int64_t g = 0; g < groups.count; ++g, ++call) {
          const int64_t r0 = groups.begin(g), rows = groups.rows(g);
          const float* scale = kFlush ? x.a_scale + r0 * (k / kBlock) + k0 / kBlock * rows : nullptr;
          Tiles::kOfRows[rows - 1](a + r0 * k + k0 * rows, scale, decoded, w_scale, kk, tu + r0 * kPanel, k0 == 0,
                                   pf.of(call));
        }
      }
      if constexpr (kForm == AForm::quant_row) scale_rows<V>(x, W::scale(panel, k), tu);
      if constexpr (kForm == AForm::widened) correct_zero_points<V>(x, p * kPanel, W::column_sum(panel, k), tu);
    }
    if (x.c_type != Type::s32) finish<V>(x, p * kPanel, 1, t);
  }
}

// The a7 numerics: chunks of a panel of panel_q8s serve all row groups from the first-level cache as they lie.
template <class V, int MR, int KC>
void run_u7(const Args& x) noexcept {
  using Tiles = TilesU7<V, std::make_integer_sequence<int, MR>>;
  const RowGroups groups(x.m, MR);
  const int64_t fold = x.epilogue.gated ? 2 : 1;
  const int64_t panels = (x.n + kPanel - 1) / kPanel;
  const int64_t k = prepared_k(AForm::quant_u7, x.k), blocks = k / kBlock;
  const int64_t chunk = even_chunk(k, KC, kBlock);
  float* t = reinterpret_cast<float*>(x.scratch);
  const uint8_t* a = static_cast<const uint8_t*>(x.a);
  for (int64_t p = 0; p < panels; ++p) {
    for (int64_t u = 0; u < fold; ++u) {
      const std::byte* panel = x.w + (p * fold + u) * x.w_panel;
      const int8_t* w = reinterpret_cast<const int8_t*>(panel);
      const f16* scale = reinterpret_cast<const f16*>(panel + k * kPanel);
      const int16_t* sum = reinterpret_cast<const int16_t*>(scale + blocks * kPanel);
      const Spread pf = next_panel(x, panel, chunk, groups.count);
      int64_t call = 0;
      for (int64_t k0 = 0, kk; k0 < k; k0 += kk) {
        kk = min_of(chunk, k - k0);
        for (int64_t g = 0; g < groups.count; ++g, ++call) {
          const int64_t r0 = groups.begin(g), rows = groups.rows(g);
          const int64_t at = r0 * blocks + k0 / kBlock * rows;  // of the group's scales and zeros
          Tiles::kOfRows[rows - 1](a + r0 * k + k0 * rows, x.a_scale + at, x.a_sum + at, w + k0 * kPanel,
                                   scale + k0 / kBlock * kPanel, sum + k0 / kBlock * kPanel, kk,
                                   t + (u * x.m + r0) * kPanel, k0 == 0, pf.of(call));
        }
      }
    }
    finish<V>(x, p * kPanel, 1, t);
  }
}

// The a8 numerics: a chunk of a panel becomes bytes, scales and offsets in scratch, which serve all row groups.
template <class V, template <class> class Codes, int MR, int KC>
void run_codes(const Args& x) noexcept {
  using C = Codes<V>;
  using Tiles = TilesCodes<V, C::kQuads, C::kSpan, std::make_integer_sequence<int, MR>>;
  const RowGroups groups(x.m, MR);
  const int64_t fold = x.epilogue.gated ? 2 : 1;
  const int64_t panels = (x.n + kPanel - 1) / kPanel;
  const int64_t k = prepared_k(AForm::quant_s8, x.k), floats = k / kBlock * kBlockFloats;
  const int64_t chunk = even_chunk(k, KC, kBlock);
  float* t = reinterpret_cast<float*>(x.scratch);
  float* scale = t + 2 * x.m * kPanel;
  float* offset = scale + KC / C::kSpan * kPanel;
  uint8_t* codes = reinterpret_cast<uint8_t*>(offset + KC / C::kSpan * kPanel);
  const int8_t* a = static_cast<const int8_t*>(x.a);
  for (int64_t p = 0; p < panels; ++p) {
    for (int64_t u = 0; u < fold; ++u) {
      const std::byte* panel = x.w + (p * fold + u) * x.w_panel;
      const Spread pf = next_panel(x, panel, chunk, groups.count);
      int64_t call = 0;
      for (int64_t k0 = 0, kk; k0 < k; k0 += kk) {
        kk = min_of(chunk, k - k0);
        decode_codes<V, Codes>(panel, k0, kk, codes, scale, offset);
        for (int64_t g = 0; g < groups.count; ++g, ++call) {
          const int64_t r0 = groups.begin(g), rows = groups.rows(g);
          Tiles::kOfRows[rows - 1](a + r0 * k + k0 * rows, x.a_scale + r0 * floats + k0 / kBlock * kBlockFloats * rows,
                                   codes, scale, offset, kk, t + (u * x.m + r0) * kPanel, k0 == 0, pf.of(call));
        }
      }
    }
    finish<V>(x, p * kPanel, 1, t);
  }
}
