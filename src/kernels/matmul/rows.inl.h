// The rows of the table for one instruction set, from the templates above.

template <int KC>
int64_t scratch_f32(int64_t m, int64_t) noexcept {
  return (kPanelsPerTurn * m + 2 * KC) * kPanel * static_cast<int64_t>(sizeof(float));
}
template <int KC>
int64_t scratch_s16(int64_t m, int64_t) noexcept {
  return (2 * m * 4 + KC * 2 + KC / kBlock * 4) * kPanel;
}

// `kc` of a table row is the KC of its functions.
template <class V, template <class> class Weights, int MR, int NP, int KC>
constexpr Variant row_f32(const char* name, Type w, Layout layout, const char* what) {
  return {name,
          "f32",
          V::kIsa,
          Type::f32,
          w,
          layout,
          AForm::strips,
          MR,
          NP * kPanel,
          KC,
          0,
          what,
          refuses_f32,
          scratch_f32<KC>,
          prepare_strips<V>,
          run_f32<V, Weights, MR, NP, KC>};
}

template <class V, template <class> class Weights, int MR, int KC>
constexpr Variant row_a16(const char* name, Type w, Layout layout, const char* what) {
  return {name,
          "a16",
          V::kIsa,
          Type::f32,
          w,
          layout,
          AForm::quant_block,
          MR,
          kPanel,
          KC,
          0,
          what,
          refuses_quantised,
          scratch_s16<KC>,
          prepare_quant_block<V>,
          run_s16<V, Weights, AForm::quant_block, MR, KC>};
}

inline int64_t scratch_u7(int64_t m, int64_t) noexcept { return 2 * m * kPanel * static_cast<int64_t>(sizeof(float)); }

template <class V, int MR, int KC>
constexpr Variant row_a7(const char* name, const char* what) {
  return {name, "a7", V::kIsa, Type::f32,         Type::q8_a7, Layout::panel_q8s,   AForm::quant_u7,  MR, kPanel,
          KC,   0,    what,    refuses_quantised, scratch_u7,  prepare_quant_u7<V>, run_u7<V, MR, KC>};
}

// KC codes, and scales and offsets of 16 weights at the least.
template <int KC>
int64_t scratch_codes(int64_t m, int64_t) noexcept {
  return (2 * m * 4 + KC + KC / 16 * 2 * 4) * kPanel;
}

template <class V, template <class> class Codes, int MR, int KC>
constexpr Variant row_a8(const char* name, Type w, Layout layout, const char* what) {
  return {name,
          "a8",
          V::kIsa,
          Type::f32,
          w,
          layout,
          AForm::quant_s8,
          MR,
          kPanel,
          KC,
          0,
          what,
          refuses_quantised,
          scratch_codes<KC>,
          prepare_quant_s8<V>,
          run_codes<V, Codes, MR, KC>};
}

template <class V, int MR, int KC>
constexpr Variant row_a16r(const char* name, const char* what) {
  return {name,
          "a16r",
          V::kIsa,
          Type::f32,
          Type::i8,
          Layout::panel_i8,
          AForm::quant_row,
          MR,
          kPanel,
          KC,
          0,
          what,
          refuses_quantised,
          scratch_s16<KC>,
          prepare_quant_row<V>,
          run_s16<V, PanelI8, AForm::quant_row, MR, KC>};
}

template <class V, int MR, int KC>
constexpr Variant row_s32(const char* name, Type a, const char* what) {
  return {name,
          "s32",
          V::kIsa,
          a,
          Type::s8,
          Layout::panel_i8,
          AForm::widened,
          MR,
          kPanel,
          KC,
          0,
          what,
          refuses_integer,
          scratch_s16<KC>,
          prepare_widened<V>,
          run_s16<V, PanelI8, AForm::widened, MR, KC>};
}
