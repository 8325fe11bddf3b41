// One row of A (a decoder's step): nothing is decoded into scratch, since every weight is used once and the memory is
// the limit. Same sums and bits as the tiles.

template <class V, Layout kLayout>
void run_row(const Args& x) noexcept {
  const int64_t fold = x.epilogue.gated ? 2 : 1;
  const int64_t panels = (x.n + kPanel - 1) / kPanel;
  const int64_t blocks = (x.k + kBlock - 1) / kBlock;
  const int16_t* a = static_cast<const int16_t*>(x.a);
  float* t = reinterpret_cast<float*>(x.scratch);
  for (int64_t p = 0; p < panels; ++p) {
    for (int64_t u = 0; u < fold; ++u) {
      const std::byte* panel = x.w + (p * fold + u) * x.w_panel;
      const int64_t bytes = kLayout == Layout::panel_q8 ? kBlock : kBlock / 2;  // of a column's block
      const f16* scale = reinterpret_cast<const f16*>(panel + blocks * bytes * kPanel);
      typename V::F sum = V::zero();
      for (int64_t b = 0; b < blocks; ++b) {
        const std::byte* w = panel + b * bytes * kPanel;
        const typename V::F s = V::mul(V::load_f16(scale + b * kPanel), V::set1(x.a_scale[b]));
        if constexpr (kLayout == Layout::panel_q8) {
          sum = V::fmadd(V::to_float(V::dot_block_q8(reinterpret_cast<const int8_t*>(w), a + b * kBlock)), s, sum);
        } else {
          sum = V::fmadd(V::to_float(V::dot_block_q4(reinterpret_cast<const uint8_t*>(w), a + b * kBlock)), s, sum);
        }
      }
      V::store(t + u * kPanel, sum);
    }
    finish<V>(x, p * kPanel, t, t + kPanel);
  }
}

// t[p][16] = the sums of NP panels; kAhead bytes of each are asked for in advance.
template <class V, int NP, class T>
void row_f32_tile(const float* a, const T* b, int64_t b_panel, int64_t k, int64_t lines, float* t) {
  constexpr int64_t kAhead = 2048;
  typename V::F acc[NP];
  for (int p = 0; p < NP; ++p) acc[p] = V::zero();
  int64_t i = 0;
  for (; i + 4 <= k; i += 4, b += 4 * kPanel)
    for (int p = 0; p < NP; ++p) {
      const T* w = b + p * b_panel;
      for (int64_t line = 0; line < lines; ++line)
        V::prefetch(reinterpret_cast<const std::byte*>(w) + kAhead + 64 * line);
      for (int u = 0; u < 4; ++u) V::fma(acc[p], V::broadcast(a + i + u), load_weights<V>(w + u * kPanel));
    }
  for (; i < k; ++i, b += kPanel)
    for (int p = 0; p < NP; ++p) V::fma(acc[p], V::broadcast(a + i), load_weights<V>(b + p * b_panel));
  for (int p = 0; p < NP; ++p) V::store(t + p * kPanel, acc[p]);
}

// One row by floating weights: four panels side by side, so that memory is asked for by four streams at once.
template <class V, template <class> class Weights>
void run_row_f32(const Args& x) noexcept {
  using W = Weights<V>;
  using T = typename W::Element;
  constexpr int64_t kTurn = 4;
  const int64_t fold = x.epilogue.gated ? 2 : 1;
  const int64_t panels = (x.n + kPanel - 1) / kPanel * fold;
  const int64_t lines = W::kBytesPerK * 4 / 64;  // of a panel in four k
  float* t = reinterpret_cast<float*>(x.scratch);
  for (int64_t p = 0; p < panels;) {
    const T* b = reinterpret_cast<const T*>(x.w + p * x.w_panel);
    const int64_t b_panel = x.w_panel / static_cast<int64_t>(sizeof(T));
    const float* a = static_cast<const float*>(x.a);
    const int64_t units = panels - p >= kTurn ? kTurn : fold;
    if (units == kTurn) {
      row_f32_tile<V, kTurn, T>(a, b, b_panel, x.k, lines, t);
    } else {
      for (int64_t u = 0; u < units; ++u) row_f32_tile<V, 1, T>(a, b + u * b_panel, 0, x.k, lines, t + u * kPanel);
    }
    for (int64_t u = 0; u < units; u += fold)
      finish<V>(x, (p + u) / fold * kPanel, t + u * kPanel, t + (u + 1) * kPanel);
    p += units;
  }
}

inline int64_t scratch_row(int64_t, int64_t) noexcept { return 5 * kPanel * static_cast<int64_t>(sizeof(float)); }

template <class V, Layout kLayout>
constexpr Variant row_a16_single(const char* name, Type w, const char* what) {
  return {name,
          "a16",
          V::kIsa,
          Type::f32,
          w,
          kLayout,
          AForm::quant_block,
          1,
          kPanel,
          0,
          1,
          what,
          refuses_quantised,
          scratch_row,
          prepare_quant_block<V>,
          run_row<V, kLayout>};
}

template <class V, template <class> class Weights>
constexpr Variant row_f32_single(const char* name, Type w, Layout layout, const char* what) {
  return {name,       "f32", V::kIsa, Type::f32, w,           layout,      AForm::strips,     1,
          4 * kPanel, 0,     1,       what,      refuses_f32, scratch_row, prepare_strips<V>, run_row_f32<V, Weights>};
}
