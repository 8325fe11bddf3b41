// Activations of the b16 numerics, from f32 or bf16.

// Row r of the group, k in [k0, k0 + 32), as bf16; zeros beyond K.
template <class V>
void b16_block(const PrepareArgs& x, int64_t r, int64_t k0, bf16* out) {
  if (x.a_type == Type::bf16) {
    const bf16* a = static_cast<const bf16*>(x.a) + r * x.a_row + k0 * x.a_k;
    for (int64_t i = 0; i < kBlock; ++i) out[i] = k0 + i < x.k ? a[i * x.a_k] : bf16{0};
    return;
  }
  alignas(64) float buffer[kBlock];
  const float* row = block_of_row<V>(x, r, k0, buffer);
  V::store_bf16(out, V::load(row));
  V::store_bf16(out + kPanel, V::load(row + kPanel));
}

inline float widened(bf16 v) {
  const uint32_t u = uint32_t{v.bits} << 16;
  float f;
  __builtin_memcpy(&f, &u, 4);
  return f;
}

// strips_b16
template <class V>
void prepare_strips_b16(const PrepareArgs& x) noexcept {
  float* out = static_cast<float*>(x.rows);
  alignas(64) bf16 block[kBlock];
  for (int64_t k0 = 0; k0 < x.k; k0 += kBlock, out += kBlock * x.m)
    for (int64_t r = 0; r < x.m; ++r) {
      b16_block<V>(x, r, k0, block);
      for (int i = 0; i < kB16Pairs; ++i) {
        out[i * x.m + r] = widened(block[2 * i]);
        out[(kB16Pairs + i) * x.m + r] = widened(block[2 * i + 1]);
      }
    }
}

// pairs_b16
template <class V>
void prepare_pairs_b16(const PrepareArgs& x) noexcept {
  uint32_t* out = static_cast<uint32_t*>(x.rows);
  alignas(64) bf16 block[kBlock];
  constexpr int kHalf = kB16Pairs / 2;
  const auto word = [&](int i) { return uint32_t{block[i].bits} << 16 | block[i + 2].bits; };
  for (int64_t k0 = 0; k0 < x.k; k0 += kBlock, out += kB16Pairs * x.m)
    for (int64_t r = 0; r < x.m; ++r) {
      b16_block<V>(x, r, k0, block);
      for (int i = 0; i < kHalf; ++i) {
        out[i * x.m + r] = word(4 * i);
        out[(kHalf + i) * x.m + r] = word(4 * i + 1);
      }
    }
}
