// The scalar policy of math_steps.inl.h. Included inside `namespace lathe::kernels { namespace {` by files compiled for
// the baseline: std::fma is one rounding with or without the instruction.

struct ScalarOps {
  using F = float;

  static float set(float v) { return v; }
  static float fma(float a, float b, float c) { return std::fma(a, b, c); }
  static float min(float a, float b) { return a < b ? a : b; }
  static float max(float a, float b) { return a > b ? a : b; }
  static float neg_abs(float x) { return -std::fabs(x); }
  static float copy_sign(float magnitude, float sign) { return std::copysign(magnitude, sign); }
  // x < 0 ? yes : no; -0 and NaN are not below 0
  static float select_negative(float x, float yes, float no) { return x < 0.0f ? yes : no; }
  static uint32_t bits(float x) { return std::bit_cast<uint32_t>(x); }
  static float from_bits(uint32_t u) { return std::bit_cast<float>(u); }
  template <int k>
  static uint32_t shl(uint32_t u) {
    return u << k;
  }
  template <int k>
  static uint32_t shr(uint32_t u) {
    return u >> k;
  }
};
