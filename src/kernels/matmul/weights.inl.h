// How each layout gives a chunk of a panel, k in [k0, k0 + kk), to a register tile: as it lies, or decoded into
// scratch that stays in the first-level cache while all row groups use it. region() is where the chunk of `units`
// panels lies, for prefetching. kInPlace: never decoded; kReadable: a tile can load Element as it lies.

// Of panels with kBytesPerK bytes per k.
template <int64_t kBytesPerK>
Ahead panel_region(const Args& x, const std::byte* panel, int64_t units, int64_t k0, int64_t kk) {
  return {panel + k0 * kBytesPerK, units, kk * kBytesPerK, x.w_panel};
}

template <class V>
struct PanelF32 {
  using Element = float;
  static constexpr bool kInPlace = true, kReadable = true;
  static constexpr auto region = panel_region<64>;
  static void chunk(const Args&, const std::byte*, int64_t, int64_t, int64_t, float*) {}
};

template <class V>
struct PanelBf16 {
  using Element = bf16;
  static constexpr bool kInPlace = false, kReadable = true;
  static constexpr auto region = panel_region<32>;
  static void chunk(const Args&, const std::byte* panel, int64_t, int64_t k0, int64_t kk, float* out) {
    const bf16* w = reinterpret_cast<const bf16*>(panel) + k0 * kPanel;
    for (int64_t k = 0; k < kk; ++k) V::store(out + k * kPanel, V::load_bf16(w + k * kPanel));
  }
};

template <class V>
struct PanelF16 {
  using Element = f16;
  static constexpr bool kInPlace = false, kReadable = true;
  static constexpr auto region = panel_region<32>;
  static void chunk(const Args&, const std::byte* panel, int64_t, int64_t k0, int64_t kk, float* out) {
    const f16* w = reinterpret_cast<const f16*>(panel) + k0 * kPanel;
    for (int64_t k = 0; k < kk; ++k) V::store(out + k * kPanel, V::load_f16(w + k * kPanel));
  }
};

// [K,N] in place: `panel` points at its first column, `n` columns are there.
template <class V>
struct RowsF32 {
  using Element = float;
  static constexpr bool kInPlace = false, kReadable = false;
  static Ahead region(const Args& x, const std::byte* panel, int64_t units, int64_t k0, int64_t kk) {
    return {panel + k0 * x.w_ld * 4, kk, units * kPanel * 4, x.w_ld * 4};
  }
  static void chunk(const Args& x, const std::byte* panel, int64_t n, int64_t k0, int64_t kk, float* out) {
    const float* w = reinterpret_cast<const float*>(panel) + k0 * x.w_ld;
    for (int64_t k = 0; k < kk; ++k) V::store(out + k * kPanel, load_n<V>(w + k * x.w_ld, n));
  }
};

// [N,K] in place: `panel` points at the first of its `n` rows.
template <class V>
struct ColsF32 {
  using Element = float;
  static constexpr bool kInPlace = false, kReadable = false;
  static Ahead region(const Args& x, const std::byte* panel, int64_t units, int64_t k0, int64_t kk) {
    return {panel + k0 * 4, units * kPanel, kk * 4, x.w_ld * 4};
  }
  static void chunk(const Args& x, const std::byte* panel, int64_t n, int64_t k0, int64_t kk, float* out) {
    V::transpose(reinterpret_cast<const float*>(panel) + k0, x.w_ld, n, kk, out);
  }
};

// The integer layouts, into s16 pairs [k/2][16][2] and f32 scales [k/32][16]. k0 and kk are multiples of 32.
template <class V>
struct PanelQ8 {
  static void chunk(const std::byte* panel, int64_t k_padded, int64_t k0, int64_t kk, int16_t* out, float* scale) {
    const int8_t* w = reinterpret_cast<const int8_t*>(panel) + k0 * kPanel;
    for (int64_t k = 0; k < kk; k += 4) V::widen4(w + k * kPanel, out + k * kPanel);
    const f16* d = reinterpret_cast<const f16*>(panel + k_padded * kPanel) + k0 / kBlock * kPanel;
    for (int64_t b = 0; b < kk / kBlock; ++b) V::store(scale + b * kPanel, V::load_f16(d + b * kPanel));
  }
};

template <class V>
struct PanelI8 {
  static void chunk(const std::byte* panel, int64_t, int64_t k0, int64_t kk, int16_t* out, float*) {
    const int8_t* w = reinterpret_cast<const int8_t*>(panel) + k0 * kPanel;
    for (int64_t k = 0; k < kk; k += 4) V::widen4(w + k * kPanel, out + k * kPanel);
  }
  static const float* scale(const std::byte* panel, int64_t k_padded) {
    return reinterpret_cast<const float*>(panel + k_padded * kPanel);
  }
  static const int32_t* column_sum(const std::byte* panel, int64_t k_padded) {
    return reinterpret_cast<const int32_t*>(panel + k_padded * kPanel + 64);
  }
};
