// Activations for tiles: bytes of a row one behind the other (matmul.h: AForm::tile_*).

// A row group's rows of a tile form, for a form of kPlanes bytes a k.
template <int kPlanes>
struct TileRowsOut {
  std::byte* first;
  int64_t plane;  // bytes from the high ones of a row to the low ones
  TileRowsOut(const PrepareArgs& x, AForm form)
      : first(static_cast<std::byte*>(x.rows)), plane(prepared_k(form, x.k)) {}
  std::byte* at(int64_t row, int64_t k) const { return first + row * kPlanes * plane + k; }
};

// 32 whole numbers of 16 bits as 256 * high + low, high signed and low not.
inline void split_bytes(const int16_t* q, std::byte* high, std::byte* low) {
  for (int i = 0; i < kBlock; ++i) {
    high[i] = static_cast<std::byte>(q[i] >> 8);
    low[i] = static_cast<std::byte>(q[i] & 0xff);
  }
}

template <class V>
void prepare_tile_split_block(const PrepareArgs& x) noexcept {
  const TileRowsOut<2> out(x, AForm::tile_split_block);
  const int64_t blocks = (x.k + kBlock - 1) / kBlock;
  alignas(32) float buffer[kBlock];
  alignas(32) int16_t q[kBlock];
  for (int64_t r = 0; r < x.m; ++r)
    for (int64_t b = 0; b < blocks; ++b) {
      const float* row = block_of_row<V>(x, r, b * kBlock, buffer);
      const QuantScale s = quant_scale(V::max_magnitude(row, kBlock), 32767.0f);
      quantize_block<V>(row, s, q);
      x.scale[r * blocks + b] = s.scale;
      split_bytes(q, out.at(r, b * kBlock), out.at(r, b * kBlock) + out.plane);
    }
}

template <class V>
void prepare_tile_split_row(const PrepareArgs& x) noexcept {
  const TileRowsOut<2> out(x, AForm::tile_split_row);
  alignas(32) float buffer[kBlock];
  alignas(32) int16_t q[kBlock];
  for (int64_t r = 0; r < x.m; ++r) {
    const QuantScale s = row_scale<V>(x, r, buffer);
    x.scale[r] = s.scale;
    for (int64_t k0 = 0; k0 < x.k; k0 += kBlock) {
      quantize_block<V>(block_of_row<V>(x, r, k0, buffer), s, q);
      split_bytes(q, out.at(r, k0), out.at(r, k0) + out.plane);
    }
  }
}

// u - zero fits a signed byte, so the zero is taken off here and not from the sums.
template <class V>
void prepare_tile_u7(const PrepareArgs& x) noexcept {
  const TileRowsOut<1> out(x, AForm::tile_u7);
  const int64_t blocks = (x.k + kBlock - 1) / kBlock;
  alignas(32) float buffer[kBlock];
  alignas(32) uint8_t q[kBlock];
  for (int64_t r = 0; r < x.m; ++r)
    for (int64_t b = 0; b < blocks; ++b) {
      const QuantU7 block = quantize_u7<V>(block_of_row<V>(x, r, b * kBlock, buffer), q);
      x.scale[r * blocks + b] = block.scale;
      std::byte* to = out.at(r, b * kBlock);
      for (int i = 0; i < kBlock; ++i) to[i] = static_cast<std::byte>(q[i] - block.zero);
    }
}

template <class V>
void prepare_tile_s8(const PrepareArgs& x) noexcept {
  const TileRowsOut<1> out(x, AForm::tile_s8);
  const int64_t blocks = (x.k + kBlock - 1) / kBlock;
  alignas(32) float buffer[kBlock];
  alignas(32) int8_t q[kBlock];
  for (int64_t r = 0; r < x.m; ++r)
    for (int64_t b = 0; b < blocks; ++b) {
      quantize_s8<V>(block_of_row<V>(x, r, b * kBlock, buffer), q, x.scale + (r * blocks + b) * kBlockFloats, 1);
      __builtin_memcpy(out.at(r, b * kBlock), q, kBlock);
    }
}

template <class T>
void tile_bytes_of_row(const T* a, int64_t a_k, int64_t k, std::byte* to, int32_t* sum) {
  int32_t total = 0;
  for (int64_t i = 0; i < k; ++i) {
    const T v = a[i * a_k];
    to[i] = static_cast<std::byte>(v);
    total += v;
  }
  for (int64_t i = k; i % kBlock != 0; ++i) to[i] = std::byte{0};
  *sum = total;
}

template <class V>
void prepare_tile_bytes(const PrepareArgs& x) noexcept {
  const TileRowsOut<1> out(x, AForm::tile_bytes);
  for (int64_t r = 0; r < x.m; ++r) {
    if (x.a_type == Type::u8) {
      tile_bytes_of_row(static_cast<const uint8_t*>(x.a) + r * x.a_row, x.a_k, x.k, out.at(r, 0), x.sum + r);
    } else {
      tile_bytes_of_row(static_cast<const int8_t*>(x.a) + r * x.a_row, x.a_k, x.k, out.at(r, 0), x.sum + r);
    }
  }
}
