// One row of A by quantised weights (a decoder's step): nothing is decoded into scratch, since every weight is used
// once and the memory is the limit. Same sums and bits as the tile.

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

inline int64_t scratch_row(int64_t, int64_t) noexcept { return 2 * kPanel * static_cast<int64_t>(sizeof(float)); }

template <class V, Layout kLayout>
constexpr Variant row_a16_single(const char* name, Type w, const char* what) {
  return {name, "a16", V::kIsa, Type::f32, w, kLayout, AForm::quant_block, 1, kPanel, 0, 1, what, refuses_quantised,
          scratch_row, prepare_quant_block<V>, run_row<V, kLayout>};
}
