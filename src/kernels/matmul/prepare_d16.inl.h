// Activations of the d16 numerics, and its rows of the table but SME's; behind kernels.inl.h.

// pairs_d16
template <class V>
void prepare_pairs_d16(const PrepareArgs& x) noexcept {
  uint32_t* out = static_cast<uint32_t*>(x.rows);
  alignas(64) bf16 block[kBlock];
  for (int64_t k0 = 0; k0 < x.k; k0 += kBlock, out += kB16Pairs * x.m)
    for (int64_t r = 0; r < x.m; ++r) {
      b16_block<V>(x, r, k0, block);
      for (int i = 0; i < kB16Pairs; ++i) out[i * x.m + r] = block[2 * i].bits | uint32_t{block[2 * i + 1].bits} << 16;
    }
}

// Its blocks of the loop are those of b16, whose sums it continues where b16 adds to them.
template <class V, template <class> class Tiles, int MR, int KC>
constexpr Variant row_d16(const char* name, const char* what) {
  return {name,
          "d16",
          V::kIsa,
          Type::f32,
          Type::bf16_d16,
          Layout::panel_b16,
          AForm::pairs_d16,
          MR,
          kPanel,
          KC,
          0,
          what,
          refuses_quantised,
          scratch_b16,
          prepare_pairs_d16<V>,
          run_b16<V, Tiles<std::make_integer_sequence<int, MR>>, MR, KC>};
}
