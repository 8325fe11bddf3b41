// The b16 numerics: chunks of a panel serve all row groups from the first-level cache as they lie.

template <class V, class Tiles, int MR, int KC>
void run_b16(const Args& x) noexcept {
  using A = typename Tiles::A;
  constexpr int64_t kPerElement = sizeof(A) / sizeof(bf16);  // words of a strip hold one k, or two
  const RowGroups groups(x.m, MR);
  const int64_t fold = x.epilogue.gated ? 2 : 1;
  const int64_t panels = (x.n + kPanel - 1) / kPanel;
  const int64_t k = prepared_k(Tiles::kForm, x.k), strip = Tiles::kForm == AForm::strips_b16 ? k : k / kPerElement;
  const int64_t chunk = even_chunk(k, KC, kBlock);
  float* t = reinterpret_cast<float*>(x.scratch);
  const A* a = static_cast<const A*>(x.a);
  for (int64_t p = 0; p < panels; ++p) {
    __builtin_memset(t, 0, static_cast<size_t>(fold * x.m * kPanel) * sizeof(float));
    for (int64_t u = 0; u < fold; ++u) {
      const FlushSubnormals flush;
      const std::byte* panel = x.w + (p * fold + u) * x.w_panel;
      const uint32_t* w = reinterpret_cast<const uint32_t*>(panel);
      const Spread pf = next_panel(x, panel, chunk, groups.count);
      int64_t call = 0;
      for (int64_t k0 = 0, kk; k0 < k; k0 += kk) {
        kk = min_of(chunk, k - k0);
        for (int64_t g = 0; g < groups.count; ++g, ++call) {
          const int64_t r0 = groups.begin(g), rows = groups.rows(g);
          Tiles::kOfRows[rows - 1](a + r0 * strip + k0 * strip / k * rows, w + k0 / 2 * kPanel, kk,
                                   t + (u * x.m + r0) * kPanel, pf.of(call));
        }
      }
    }
    finish<V>(x, p * kPanel, 1, t);
  }
}

inline int64_t scratch_b16(int64_t m, int64_t) noexcept { return 2 * m * kPanel * static_cast<int64_t>(sizeof(float)); }

template <class V, class Tiles, int MR, int KC>
constexpr Variant row_b16_of(const char* name, void (*prepare)(const PrepareArgs&) noexcept, const char* what) {
  return {
      name,   "b16", V::kIsa, Type::f32, Type::bf16_b16,    Layout::panel_b16, Tiles::kForm, MR,
      kPanel, KC,    0,       what,      refuses_quantised, scratch_b16,       prepare,      run_b16<V, Tiles, MR, KC>};
}

template <class V, int MR, int KC>
constexpr Variant row_b16(const char* name, const char* what) {
  return row_b16_of<V, TilesB16<V, std::make_integer_sequence<int, MR>>, MR, KC>(name, prepare_strips_b16<V>, what);
}
