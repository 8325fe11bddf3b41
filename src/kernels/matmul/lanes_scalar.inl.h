// The 16 lanes of a panel in plain C++: the definition that every vector version must match to the bit, and the
// kernel of a machine without AVX2. std::fma rounds once on every machine, in software where need be.
// Included inside an unnamed namespace of lathe::matmul, like its siblings lanes_<isa>.inl.h.

struct ScalarLanes {
  static constexpr Isa kIsa = Isa::scalar;
  struct F {
    float v[16];
  };
  struct I {
    int32_t v[16];
  };
  using S = float;
  struct B {  // [16][4] bytes
    uint8_t v[64];
  };
  using H = I;  // sums of products of bytes; elsewhere pairs of s16, which the caller keeps from overflow

  static F zero() { return {}; }
  static F load(const float* p) {
    F r;
    for (int j = 0; j < 16; ++j) r.v[j] = p[j];
    return r;
  }
  static void store(float* p, const F& x) {
    for (int j = 0; j < 16; ++j) p[j] = x.v[j];
  }
  static F set1(float x) {
    F r;
    for (float& v : r.v) v = x;
    return r;
  }
  static F mul(const F& a, const F& b) {
    F r;
    for (int j = 0; j < 16; ++j) r.v[j] = a.v[j] * b.v[j];
    return r;
  }
  static F add(const F& a, const F& b) {
    F r;
    for (int j = 0; j < 16; ++j) r.v[j] = a.v[j] + b.v[j];
    return r;
  }
  static F fmadd(const F& a, const F& b, const F& c) {
    F r;
    for (int j = 0; j < 16; ++j) r.v[j] = std::fma(a.v[j], b.v[j], c.v[j]);
    return r;
  }
  static F fnmadd(const F& a, const F& b, const F& c) {
    F r;
    for (int j = 0; j < 16; ++j) r.v[j] = std::fma(-a.v[j], b.v[j], c.v[j]);
    return r;
  }
  static S broadcast(const float* p) { return *p; }
  static void fma(F& acc, S a, const F& b) {
    for (int j = 0; j < 16; ++j) acc.v[j] = std::fma(a, b.v[j], acc.v[j]);
  }

  static I izero() { return {}; }
  static I iload(const int32_t* p) {
    I r;
    for (int j = 0; j < 16; ++j) r.v[j] = p[j];
    return r;
  }
  static void istore(int32_t* p, const I& x) {
    for (int j = 0; j < 16; ++j) p[j] = x.v[j];
  }
  // acc[r][j] += a[r][0] * b[j][0] + a[r][1] * b[j][1] for the rows R
  template <int... R>
  static void dot_rows(I* acc, const int16_t* a, const int16_t* b) {
    (dot(acc[R], a + 2 * R, b), ...);
  }
  // The sums of a block's weights, and their products with -zero: where its dot products begin.
  static I load_sums(const int16_t* p) {
    I r;
    for (int j = 0; j < 16; ++j) r.v[j] = p[j];
    return r;
  }
  static I times_sums(const int32_t* zero, const I& sums) {
    I r;
    for (int j = 0; j < 16; ++j) r.v[j] = *zero * sums.v[j];
    return r;
  }
  // acc[r][j] += the products of four a[r] (0 .. 127) and four w[j], for the rows R
  template <int... R>
  static void dot_rows_u7(I* acc, const uint8_t* a, const int8_t* w) {
    (dot_u7(acc[R], a + 4 * R, w), ...);
  }
  static F to_float(const I& x) {
    F r;
    for (int j = 0; j < 16; ++j) r.v[j] = static_cast<float>(x.v[j]);
    return r;
  }

  static B load_bytes(const uint8_t* p) {
    B r;
    __builtin_memcpy(r.v, p, sizeof r.v);
    return r;
  }
  static void store_bytes(uint8_t* p, const B& x) { __builtin_memcpy(p, x.v, sizeof x.v); }
  static B low_nibbles(const B& x) { return shifted<0>(x, 15); }
  static B high_nibbles(const B& x) { return shifted<-4>(x, 15); }
  // Bytes shifted left by kBy (right where it is negative) and masked; the mask keeps to bits that come from the same
  // byte.
  template <int kBy>
  static B shifted(const B& x, uint8_t mask) {
    B r;
    constexpr int kLeft = kBy >= 0 ? kBy : 0, kRight = kBy < 0 ? -kBy : 0;
    for (int i = 0; i < 64; ++i) r.v[i] = static_cast<uint8_t>(x.v[i] << kLeft >> kRight & mask);
    return r;
  }
  static B either(const B& x, const B& y) {
    B r;
    for (int i = 0; i < 64; ++i) r.v[i] = x.v[i] | y.v[i];
    return r;
  }
  static H no_products() { return {}; }
  // acc[j] += the products of four codes of column j and four a
  static void add_product(H& acc, const B& codes, const int8_t* a) {
    for (int j = 0; j < 16; ++j)
      for (int i = 0; i < 4; ++i) acc.v[j] += int32_t{codes.v[4 * j + i]} * a[i];
  }
  template <int... R>
  static void add_products(H* acc, const uint8_t* codes, const int8_t* a) {
    const B b = load_bytes(codes);
    (add_product(acc[R], b, a + 4 * R), ...);
  }
  static I joined_products(const H& acc) { return acc; }
  static F load_u8(const uint8_t* p) {
    F r;
    for (int j = 0; j < 16; ++j) r.v[j] = p[j];
    return r;
  }
  static F load_s8(const int8_t* p) {
    F r;
    for (int j = 0; j < 16; ++j) r.v[j] = p[j];
    return r;
  }

  static F load_bf16(const bf16* p) {
    F r;
    for (int j = 0; j < 16; ++j) r.v[j] = lathe::to_float(p[j]);
    return r;
  }
  // Of [16][2] bf16 those that come first, and those that come second.
  static F load_even_b16(const uint32_t* p) { return load_b16(p, 0); }
  static F load_odd_b16(const uint32_t* p) { return load_b16(p, 16); }
  static F load_b16(const uint32_t* p, int shift) {
    F r;
    for (int j = 0; j < 16; ++j) r.v[j] = lathe::to_float(bf16{static_cast<uint16_t>(p[j] >> shift)});
    return r;
  }
  static F load_f16(const f16* p) {
    F r;
    for (int j = 0; j < 16; ++j) r.v[j] = lathe::to_float(p[j]);
    return r;
  }
  static void store_bf16(bf16* p, const F& x) {
    for (int j = 0; j < 16; ++j) p[j] = to_bf16(x.v[j]);
  }
  static void store_f16(f16* p, const F& x) {
    for (int j = 0; j < 16; ++j) p[j] = to_f16(x.v[j]);
  }
  // [16][4] bytes of one group of four k -> two rows of pairs [16][2].
  static void widen4(const int8_t* from, int16_t* to) {
    for (int j = 0; j < 16; ++j)
      for (int i = 0; i < 4; ++i) to[(i / 2) * 32 + 2 * j + i % 2] = from[4 * j + i];
  }
  // Columns of a [N,K] matrix, 16 of them (`n` present), into [k][16].
  static void transpose(const float* from, int64_t ld, int64_t n, int64_t k, float* to) {
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < 16; ++j) to[i * 16 + j] = j < n ? from[j * ld + i] : 0.0f;
  }
  // `rows` rows of k floats, ld apart, into [k][rows].
  static void interleave(const float* from, int64_t ld, int64_t rows, int64_t k, float* to) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = 0; i < k; ++i) to[i * rows + r] = from[r * ld + i];
  }
  static void prefetch(const std::byte*) {}
  static void prefetch_near(const std::byte*) {}

  // Bits of the largest magnitude of x[0..n): as integers NaN and infinity stand above every finite value.
  static uint32_t max_magnitude(const float* x, int64_t n) {
    uint32_t largest = 0;
    for (int64_t i = 0; i < n; ++i) {
      uint32_t bits;
      __builtin_memcpy(&bits, x + i, 4);
      bits &= 0x7fffffffu;
      if (bits > largest) largest = bits;
    }
    return largest;
  }
  // q[i] = x[i] * inverse, rounded to nearest even; 32 values.
  static void to_s16(const float* x, float inverse, int16_t* q) {
    for (int i = 0; i < kBlock; ++i) q[i] = static_cast<int16_t>(std::nearbyint(x[i] * inverse));
  }
  // The same into bytes.
  static void to_s8(const float* x, float inverse, int8_t* q) {
    for (int i = 0; i < kBlock; ++i) q[i] = static_cast<int8_t>(std::nearbyint(x[i] * inverse));
  }
  // The smallest and largest of 32 values and 0; false where one is infinite or no number.
  static bool range(const float* x, float* low, float* high) {
    *low = *high = 0.0f;
    for (int i = 0; i < kBlock; ++i) {
      *low = x[i] < *low ? x[i] : *low;
      *high = x[i] > *high ? x[i] : *high;
    }
    return max_magnitude(x, kBlock) < 0x7f800000u;
  }
  // q[i] = min(x[i] * inverse, rounded to nearest even, + zero, 127); 32 values.
  static void to_u7(const float* x, float inverse, int32_t zero, uint8_t* q) {
    for (int i = 0; i < kBlock; ++i) {
      const int32_t u = static_cast<int32_t>(std::nearbyint(x[i] * inverse)) + zero;
      q[i] = static_cast<uint8_t>(u < 127 ? u : 127);
    }
  }
  static F activate(const F& x, Activation act) {
    F r;
    for (int j = 0; j < 16; ++j) r.v[j] = activate_scalar(x.v[j], act);
    return r;
  }

 private:
  static void dot_u7(I& acc, const uint8_t* a, const int8_t* w) {
    for (int j = 0; j < 16; ++j)
      for (int i = 0; i < 4; ++i) acc.v[j] += int32_t{a[i]} * w[4 * j + i];
  }
  static void dot(I& acc, const int16_t* a, const int16_t* b) {
    for (int j = 0; j < 16; ++j) acc.v[j] += int32_t{a[0]} * b[2 * j] + int32_t{a[1]} * b[2 * j + 1];
  }
  static float activate_scalar(float x, Activation act) {
    switch (act) {
      case Activation::none:
        return x;
      case Activation::relu:
        return kernels::relu_f32(x);
      case Activation::gelu_erf:
        return kernels::gelu_erf_f32(x);
      case Activation::gelu_tanh:
        return kernels::gelu_tanh_f32(x);
      case Activation::silu:
        return kernels::silu_f32(x);
    }
    return x;
  }
};
