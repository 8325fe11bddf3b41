// Activations brought into strips: one row group at a time.

template <class V>
void prepare_strips(const PrepareArgs& x) noexcept {
  const float* a = static_cast<const float*>(x.a);
  float* out = static_cast<float*>(x.rows);
  if (x.a_k == 1) return V::interleave(a, x.a_row, x.m, x.k, out);
  // A is [K,M]: the rows of a group lie side by side already. Sixteen at once, of which the next k overwrites what is
  // too many, as long as both sides have so many left.
  int64_t i = 0;
  if (x.a_row == 1 && x.m <= kPanel && x.a_k >= kPanel)
    for (; i + 1 < x.k && (x.k - i) * x.m >= kPanel; ++i) V::store(out + i * x.m, V::load(a + i * x.a_k));
  for (; i < x.k; ++i)
    for (int64_t r = 0; r < x.m; ++r) out[i * x.m + r] = a[r * x.a_row + i * x.a_k];
}

// Row r of the group, k in [k0, k0 + 32), as 32 contiguous floats; zeros beyond K.
template <class V>
const float* block_of_row(const PrepareArgs& x, int64_t r, int64_t k0, float* buffer) {
  const float* a = static_cast<const float*>(x.a) + r * x.a_row + k0 * x.a_k;
  if (x.a_k == 1 && k0 + kBlock <= x.k) return a;
  for (int64_t i = 0; i < kBlock; ++i) buffer[i] = k0 + i < x.k ? a[i * x.a_k] : 0.0f;
  return buffer;
}

// QuantA: the scale and the inverse scale that map a largest magnitude (as bits) onto `top`. A magnitude below 2^-100
// counts as zero (its inverse would overflow); infinity and NaN make the scale NaN, so that they reach the output.
struct QuantScale {
  float scale, inverse;
};
inline QuantScale quant_scale(uint32_t magnitude_bits, float top) {
  float largest;
  __builtin_memcpy(&largest, &magnitude_bits, 4);
  if (magnitude_bits >= 0x7f800000u) return {__builtin_nanf(""), 0.0f};
  if (largest < 0x1p-100f) return {0.0f, 0.0f};
  return {largest / top, top / largest};
}

inline void store_pairs(const int16_t* q, int64_t pairs, int64_t rows, int16_t* out) {
  for (int64_t p = 0; p < pairs; ++p) __builtin_memcpy(out + p * 2 * rows, q + 2 * p, 4);
}

template <class V>
void quantize_block(const float* x, QuantScale s, int16_t* q) {
  if (s.inverse == 0.0f) {  // zeros, or a block with infinity or NaN whose scale already says so
    __builtin_memset(q, 0, kBlock * sizeof(int16_t));
  } else {
    V::to_s16(x, s.inverse, q);
  }
}

template <class V>
void prepare_quant_block(const PrepareArgs& x) noexcept {
  int16_t* out = static_cast<int16_t*>(x.rows);
  alignas(32) float buffer[kBlock];
  alignas(32) int16_t q[kBlock];
  for (int64_t r = 0; r < x.m; ++r)
    for (int64_t k0 = 0; k0 < x.k; k0 += kBlock) {
      const float* row = block_of_row<V>(x, r, k0, buffer);
      const QuantScale s = quant_scale(V::max_magnitude(row, kBlock), 32767.0f);
      quantize_block<V>(row, s, q);
      x.scale[k0 / kBlock * x.m + r] = s.scale;
      store_pairs(q, kBlock / 2, x.m, out + (k0 / 2 * x.m + r) * 2);
    }
}

// QuantU7: a block of 32 as whole numbers u - zero times scale. 0 is among what they span, so that zeros stay exact.
struct QuantU7 {
  float scale;
  int32_t zero;  // 0 .. 127
};
template <class V>
QuantU7 quantize_u7(const float* x, uint8_t* q) {
  constexpr float kStep = 1.0f / 127;
  float low, high;
  const bool finite = V::range(x, &low, &high);
  const float scale = high * kStep - low * kStep;  // high - low could overflow
  if (!finite || scale < 0x1p-100f) {              // as in quant_scale
    __builtin_memset(q, 0, kBlock);
    return {finite ? 0.0f : __builtin_nanf(""), 0};
  }
  const float inverse = 1.0f / scale;
  const auto zero = static_cast<int32_t>(__builtin_nearbyintf(-low * inverse));
  V::to_u7(x, inverse, zero, q);
  return {scale, zero};
}

template <class V>
void prepare_quant_u7(const PrepareArgs& x) noexcept {
  uint8_t* out = static_cast<uint8_t*>(x.rows);
  alignas(32) float buffer[kBlock];
  alignas(32) uint8_t q[kBlock];
  for (int64_t r = 0; r < x.m; ++r)
    for (int64_t k0 = 0; k0 < x.k; k0 += kBlock) {
      const QuantU7 block = quantize_u7<V>(block_of_row<V>(x, r, k0, buffer), q);
      x.scale[k0 / kBlock * x.m + r] = block.scale;
      x.sum[k0 / kBlock * x.m + r] = -block.zero;
      for (int64_t i = 0; i < kBlock; i += 4) __builtin_memcpy(out + (k0 + i) * x.m + 4 * r, q + i, 4);
    }
}

// The largest magnitude q for which K products of q and a signed byte fit s32: K * q * 128 <= 2^31 - 1.
inline float quant_row_top(int64_t k) {
  const int64_t top = 0x7fffffff / (128 * k);
  return static_cast<float>(top < 32767 ? top : 32767);
}

// a16r: of a whole row.
template <class V>
QuantScale row_scale(const PrepareArgs& x, int64_t r, float* buffer) {
  uint32_t largest = 0;
  for (int64_t k0 = 0; k0 < x.k; k0 += kBlock) {
    const uint32_t block = V::max_magnitude(block_of_row<V>(x, r, k0, buffer), kBlock);
    if (block > largest) largest = block;
  }
  return quant_scale(largest, quant_row_top(x.k));
}

template <class V>
void prepare_quant_row(const PrepareArgs& x) noexcept {
  int16_t* out = static_cast<int16_t*>(x.rows);
  alignas(32) float buffer[kBlock];
  alignas(32) int16_t q[kBlock];
  for (int64_t r = 0; r < x.m; ++r) {
    const QuantScale s = row_scale<V>(x, r, buffer);
    x.scale[r] = s.scale;
    for (int64_t k0 = 0; k0 < x.k; k0 += kBlock) {
      quantize_block<V>(block_of_row<V>(x, r, k0, buffer), s, q);
      store_pairs(q, kBlock / 2, x.m, out + (k0 / 2 * x.m + r) * 2);
    }
  }
}

template <class T>
void widen_rows(const PrepareArgs& x) {
  const T* a = static_cast<const T*>(x.a);
  int16_t* out = static_cast<int16_t*>(x.rows);
  const int64_t padded = prepared_k(AForm::widened, x.k);
  for (int64_t r = 0; r < x.m; ++r) {
    int32_t sum = 0;
    for (int64_t i = 0; i < padded; ++i) {
      const int16_t v = i < x.k ? static_cast<int16_t>(a[r * x.a_row + i * x.a_k]) : int16_t{0};
      out[(i / 2 * x.m + r) * 2 + i % 2] = v;
      sum += v;
    }
    x.sum[r] = sum;
  }
}

template <class V>
void prepare_widened(const PrepareArgs& x) noexcept {
  if (x.a_type == Type::u8) {
    widen_rows<uint8_t>(x);
  } else {
    widen_rows<int8_t>(x);
  }
}

// A block of 32 as signed bytes for the a8 numerics, and the four floats that go with it (tile_codes.inl.h), `apart`
// from one to the next.
template <class V>
void quantize_s8(const float* x, int8_t* q, float* floats, int64_t apart) {
  const QuantScale s = quant_scale(V::max_magnitude(x, kBlock), 127.0f);
  if (s.inverse == 0.0f) {
    __builtin_memset(q, 0, kBlock);
  } else {
    V::to_s8(x, s.inverse, q);
  }
  int32_t first = 0, last = 0;
  for (int i = 0; i < kBlock / 2; ++i) {
    first += q[i];
    last += q[kBlock / 2 + i];
  }
  floats[0] = s.scale;
  floats[apart] = s.scale * static_cast<float>(first + last);
  floats[2 * apart] = s.scale * static_cast<float>(first);
  floats[3 * apart] = s.scale * static_cast<float>(last);
}

template <class V>
void prepare_quant_s8(const PrepareArgs& x) noexcept {
  int8_t* out = static_cast<int8_t*>(x.rows);
  alignas(32) float buffer[kBlock];
  alignas(32) int8_t q[kBlock];
  for (int64_t r = 0; r < x.m; ++r)
    for (int64_t k0 = 0; k0 < x.k; k0 += kBlock) {
      quantize_s8<V>(block_of_row<V>(x, r, k0, buffer), q, x.scale + k0 / kBlock * kBlockFloats * x.m + r, x.m);
      for (int64_t i = 0; i < kBlock; i += 4) __builtin_memcpy(out + (k0 + i) * x.m + 4 * r, q + i, 4);
    }
}
