// NEON lanes whose products of bytes are sdot: four of them a column in one instruction.

struct DotprodLanes : NeonLanes {
  static constexpr Isa kIsa = Isa::dotprod;

  template <int... R>
  static LATHE_INLINE void dot_rows_u7(I* acc, const uint8_t* a, const int8_t* w) {
    const B b = load_bytes(reinterpret_cast<const uint8_t*>(w));
    (dot_bytes(acc[R], b, four_bytes(a + 4 * R)), ...);
  }
  static LATHE_INLINE void add_product(H& acc, const B& codes, const int8_t* a) {
    dot_bytes(acc, codes, four_bytes(a));
  }
  template <int... R>
  static LATHE_INLINE void add_products(H* acc, const uint8_t* codes, const int8_t* a) {
    const B b = load_bytes(codes);
    (dot_bytes(acc[R], b, four_bytes(a + 4 * R)), ...);
  }

 private:
  static LATHE_INLINE void dot_bytes(I& acc, const B& b, int8x16_t x) {
    const auto dot = [x](int32x4_t sum, uint8x16_t codes)
                         LATHE_INLINE_LAMBDA { return vdotq_s32(sum, vreinterpretq_s8_u8(codes), x); };
    acc = map<I>(dot, acc, b);
  }
};
