// f32 with the bits that the CPU's kernels have. Vulkan rounds sums and products correctly where they are `precise`,
// and promises less of the rest: whether fma rounds once is the driver's affair, a quotient may be 2.5 units off, exp
// more. So fma is put together of sums and products where it rounds twice, and exp is the CPU's polynomial.

bool fma_rounds_once = false;  // known after find_fma

// `over_one` is 1 + 2^-12, and not known when the shader is compiled: its square is 1 + 2^-11 + 2^-24, of which a
// product that is rounded loses the last.
void find_fma(float over_one) {
  precise const float left = fma(over_one, over_one, -(1.0 + 1.0 / 2048.0));
  fma_rounds_once = left > 0;
}

// high + low is the sum, of any two (Knuth's TwoSum).
void exact_sum(float a, float b, out float high, out float low) {
  precise const float sum = a + b;
  precise const float of_b = sum - a;
  precise const float of_a = sum - of_b;
  precise const float left = (a - of_a) + (b - of_b);
  high = sum, low = left;
}

// high + low is the product: halves of 12 bits have products of 24 (Dekker).
void exact_product(float a, float b, out float high, out float low) {
  precise const float a0 = uintBitsToFloat(floatBitsToUint(a) & 0xfffff000u);
  precise const float b0 = uintBitsToFloat(floatBitsToUint(b) & 0xfffff000u);
  precise const float a1 = a - a0;
  precise const float b1 = b - b0;
  precise const float product = a * b;
  precise const float left = ((a0 * b0 - product) + a0 * b1 + a1 * b0) + a1 * b1;
  high = product, low = left;
}

// Of a sum that is no float, the neighbour whose last bit is 1: rounded once more, it becomes what the sum itself does.
float odd_sum(float a, float b) {
  float high, low;
  exact_sum(a, b, high, low);
  const uint bits = floatBitsToUint(high);
  if (low == 0 || (bits & 1) != 0) return high;
  return uintBitsToFloat((low > 0) == (high > 0) ? bits + 1 : bits - 1);
}

// Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008.
float exact_fma(float a, float b, float c) {
  if (fma_rounds_once) {
    precise const float once = fma(a, b, c);
    return once;
  }
  float product, product_low, sum, sum_low, high, low;
  exact_product(a, b, product, product_low);
  exact_sum(c, product_low, sum, sum_low);
  exact_sum(product, sum, high, low);
  precise const float result = high + odd_sum(sum_low, low);
  return result;
}

// exp_nonpositive of kernels/common/math_steps.inl.h, for -80 <= x <= 0: there one factor 2^n is enough.
float exact_exp(float x) {
  const float magic = 12582912.0 + 127.0;  // 1.5 * 2^23 + 127: leaves n + 127 in the low bits
  const float t = exact_fma(x, uintBitsToFloat(0x3fb8aa3bu), magic);
  precise const float n = t - magic;
  float r = exact_fma(n, uintBitsToFloat(0xbf317218u), x);
  r = exact_fma(n, uintBitsToFloat(0x3102e308u), r);
  precise const float r2 = r * r;
  const float low = exact_fma(uintBitsToFloat(0x3e2aaa49u), r, uintBitsToFloat(0x3efffffdu));
  float high = exact_fma(uintBitsToFloat(0x3c091cc2u), r, uintBitsToFloat(0x3d2aad13u));
  high = exact_fma(uintBitsToFloat(0x3ab4a660u), r2, high);
  const float tail = exact_fma(high, r2, low);
  precise const float e = (1.0 + exact_fma(tail, r2, r)) * uintBitsToFloat(floatBitsToUint(t) << 23);
  return e;
}

// 1 / x of 1 <= x < 2^63 as division rounds it: the quotient 2^47 / m of integers, bit by bit. What is left is never
// half of m.
float exact_reciprocal(float x) {
  const uint bits = floatBitsToUint(x), m = (bits & 0x7fffffu) | 0x800000u;
  uint left = 0x800000u, quotient = 0;
  for (int i = 0; i < 24; ++i) {
    left *= 2;
    quotient *= 2;
    if (left >= m) left -= m, ++quotient;
  }
  if (2 * left > m) ++quotient;
  precise const float result = float(quotient) * uintBitsToFloat((127 + 127 - 24 - (bits >> 23)) << 23);
  return result;
}
