// The d16 numerics in plain C++: the definition, and what a machine without Arm's instructions for bf16 has.

// What f32 has of an exact value, of which `rest` says whether and in which direction it is off: rounded to odd, zero
// below the least normal number, infinity beyond the largest one. Rounding to odd twice, first to double, is rounding
// once (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
inline float odd_float(double sum, double rest) {
  if (std::isnan(sum)) return std::bit_cast<float>(0x7fc00000u);
  auto bits = std::bit_cast<uint64_t>(sum);
  if (rest != 0.0 && (bits & 1) == 0) bits += (rest > 0.0) == (sum > 0.0) ? 1 : ~uint64_t{0};
  const auto sign = static_cast<uint32_t>(bits >> 32) & 0x80000000u;
  const uint64_t magnitude = bits & ~(uint64_t{1} << 63);
  constexpr uint64_t kLeast = uint64_t{1023 - 126} << 52, kBeyond = uint64_t{1023 + 128} << 52;
  if (magnitude < kLeast) return std::bit_cast<float>(sign);
  if (magnitude >= kBeyond) return std::bit_cast<float>(sign | 0x7f800000u);
  constexpr int kDropped = 52 - 23;
  const bool inexact = (magnitude & ((uint64_t{1} << kDropped) - 1)) != 0;
  return std::bit_cast<float>(sign | static_cast<uint32_t>((magnitude - (uint64_t{1023 - 127} << 52)) >> kDropped) |
                              uint32_t{inexact});
}

// Values of f32, so that `rest` is exact (Knuth's TwoSum).
inline float odd_sum(float a, float b) {
  const double x = a, y = b, sum = x + y;
  if (!std::isfinite(sum)) return odd_float(sum, 0.0);
  const double part = sum - x;
  return odd_float(sum, (x - (sum - part)) + (y - part));
}

// Of the bf16 at bit `shift` of two words: 16 bits, so that double has it exactly.
inline float d16_product(uint32_t a, uint32_t w, int shift) {
  const auto value = [shift](uint32_t word) -> double {
    const uint32_t bits = word << (16 - shift) & 0xffff0000u;
    if ((bits & 0x7f800000u) == 0) return std::bit_cast<float>(bits & 0x80000000u);  // subnormal
    return std::bit_cast<float>(bits);
  };
  return odd_float(value(a) * value(w), 0.0);
}

// MR rows by one panel over k: t += the pairs, one after the other. A is [k/2][MR], w [k/2][16].
template <int kRows>
void tile_d16(const uint32_t* a, const uint32_t* w, int64_t k, float* t, Prefetch) {
  for (int64_t pair = 0; pair < k / 2; ++pair, a += kRows, w += kPanel)
    for (int r = 0; r < kRows; ++r)
      for (int j = 0; j < kPanel; ++j) {
        const float both = odd_sum(d16_product(a[r], w[j], 0), d16_product(a[r], w[j], 16));
        t[r * kPanel + j] = odd_sum(t[r * kPanel + j], both);
      }
}

template <class Rows>
struct TilesD16;
template <int... R>
struct TilesD16<std::integer_sequence<int, R...>> {
  using A = uint32_t;
  static constexpr AForm kForm = AForm::pairs_d16;
  static constexpr TileB16<A> kOfRows[] = {tile_d16<R + 1>...};  // [rows - 1]
};
