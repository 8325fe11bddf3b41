// exp, tanh, erf, sigmoid and the activations built on them, written once over a policy of f32 operations.
//
// The policy O is either ScalarOps (scalar_steps.h) or VectorOps<D> (simd_math.h). Every operation in it is correctly
// rounded or exact, so the same steps give the same f32 bits on every instruction set and vector width. NaN: O::min and
// O::max give their second operand where either is NaN (as MINPS and MAXPS do), so a NaN argument stays one.
//
// This file is included inside `namespace lathe::kernels { namespace {`: ISA files must not leave weak symbols.

#define LATHE_STEPS [[gnu::always_inline]] inline

// q of e^r = 1 + r + r*r*q(r) on |r| <= ln2/2, of degree 4, a minimax fit (relative error of e^r: 3.3e-9). By halves
// and not by Horner's rule: as many operations (r*r is wanted anyway), two thirds of the latency.
template <class O, class F = typename O::F>
LATHE_STEPS F exp_tail(F r, F r2) {
  const F low = O::fma(O::set(0x1.555492p-3f), r, O::set(0x1.fffffap-2f));
  F high = O::fma(O::set(0x1.123984p-7f), r, O::set(0x1.555a26p-5f));
  high = O::fma(O::set(0x1.694ccp-10f), r2, high);
  return O::fma(high, r2, low);
}

// e^r - 1. The leading term is r itself, so the relative error stays small down to the smallest r.
template <class O, class F = typename O::F>
LATHE_STEPS F expm1_poly(F r) {
  const F r2 = r * r;
  return O::fma(exp_tail<O>(r, r2), r2, r);
}

// x = n*ln2 + r. `magic` is 1.5 * 2^23 + bias: adding it rounds to an integer and leaves n + bias in the low bits of
// `t`. n*ln2_hi - x is exact in the fma; ln2 in two parts is good to 2^-54.
template <class F>
struct Reduced {
  F t, n, r;
};
template <class O, class F = typename O::F>
LATHE_STEPS Reduced<F> reduce_ln2(F x, float magic) {
  Reduced<F> v;
  v.t = O::fma(x, O::set(0x1.715476p0f), O::set(magic));
  v.n = v.t - O::set(magic);
  v.r = O::fma(v.n, O::set(-0x1.62e43p-1f), x);
  v.r = O::fma(v.n, O::set(0x1.05c61p-29f), v.r);
  return v;
}

// 2^(n + bias - 127), a number whose exponent field is n + bias, from the `t` of a reduction.
template <class O, class F = typename O::F>
LATHE_STEPS F power_of_two(F t) {
  return O::from_bits(O::template shl<23>(O::bits(t)));
}

// e^x. The power of two is applied as two factors 2^floor(n/2) * 2^ceil(n/2): the first product is exact and the second
// rounds once, which gives subnormal results and overflow to infinity without a branch. e^-104 is below half of the
// smallest subnormal (2^-150 = e^-103.97), e^89 is above the largest float.
template <class O, class F = typename O::F>
LATHE_STEPS F exp_steps(F x) {
  const auto v = reduce_ln2<O>(O::max(O::set(-104.0f), O::min(O::set(89.0f), x)), 0x1.8p23f + 254.0f);
  const auto bits = O::bits(v.t);             // ... + n + 2 * 127
  const auto low = O::template shr<1>(bits);  // ... + floor(n/2) + 127
  const auto high = bits - low;               // ... + ceil(n/2) + 127
  return ((O::set(1.0f) + expm1_poly<O>(v.r)) * O::from_bits(O::template shl<23>(low))) *
         O::from_bits(O::template shl<23>(high));
}

// The same for x <= 0, with the same bits: 2^(n + 24) is a normal number for every n from -150 to 0, so the second
// factor is a constant.
template <class O, class F = typename O::F>
LATHE_STEPS F exp_nonpositive(F x) {
  const auto v = reduce_ln2<O>(O::max(O::set(-104.0f), x), 0x1.8p23f + 127.0f + 24.0f);
  return (O::set(1.0f) + expm1_poly<O>(v.r)) * power_of_two<O>(v.t) * O::set(0x1p-24f);
}

// e^x for -88 <= x <= 89 with a single factor: 0 where n is -127 (below -87.68) and infinity where it is 128
// (from 88.38 on), since the exponent fields of those factors are those of 0 and of infinity. 1 + r is ready long
// before q: rounded on the way it costs a quarter of a unit in the last place, and saves the latency of an addition
// behind it.
template <class O, class F = typename O::F>
LATHE_STEPS F exp_flushed(F x) {
  const auto v = reduce_ln2<O>(x, 0x1.8p23f + 127.0f);
  const F r2 = v.r * v.r;
  return O::fma(exp_tail<O>(v.r, r2), r2, O::set(1.0f) + v.r) * power_of_two<O>(v.t);
}

// tanh|x| = -m / (2 + m) with m = expm1(-2|x|) = 2^n * (1 + p) - 1. From |x| = 10 on it is 1.
template <class O, class F = typename O::F>
LATHE_STEPS F tanh_steps(F x) {
  const F minus2x = O::max(O::set(-20.0f), O::neg_abs(x + x));
  const auto v = reduce_ln2<O>(minus2x, 0x1.8p23f + 127.0f);
  const F scale = power_of_two<O>(v.t);
  const F m = O::fma(scale, expm1_poly<O>(v.r), scale - O::set(1.0f));
  return O::copy_sign(m / (O::set(2.0f) + m), x);
}

// Coefficients of erf_root, by ascending power of x^2.
constexpr float kErfP[] = {0x1.27468ep-9f, -0x1.bb9d12p-4f, -0x1.a7843cp-7f, -0x1.ea6cb2p-11f, -0x1.5a552p-15f};
constexpr float kErfQ[] = {1.0f, 0x1.f4ae48p-3f, 0x1.c14044p-6f, 0x1.d1d582p-10f, 0x1.f8946ap-15f};

// z(x) with erf(x) = z * (3 - z*z) / 2, as x * (0.75 + P(x^2) / Q(x^2)), a minimax fit on |x| <= 5. The cubic is flat
// at z = 1, so the rounding errors of a quotient near 1 vanish from erf. z is smoother than erf too: degree 4 does
// where erf itself needs 5. P / Q is between 0.003 and -0.55. Beyond 5 z is above 1 and is cut off there.
template <class O, class F = typename O::F>
LATHE_STEPS F erf_root(F x) {
  const F s = O::min(O::set(25.0f), x * x);
  F p = O::fma(O::set(kErfP[4]), s, O::set(kErfP[3]));
  F q = O::fma(O::set(kErfQ[4]), s, O::set(kErfQ[3]));
  for (int i = 2; i >= 0; --i) {
    p = O::fma(p, s, O::set(kErfP[i]));
    q = O::fma(q, s, O::set(kErfQ[i]));
  }
  return O::max(O::set(-1.0f), O::min(O::set(1.0f), x * (p / q + O::set(0.75f))));
}

// The factor 3/2 of a small z is applied as z + z/2, with a single rounding.
template <class O, class F = typename O::F>
LATHE_STEPS F erf_steps(F x) {
  const F z = erf_root<O>(x);
  return O::fma(z, O::fma(z * z, O::set(-0.5f), O::set(0.5f)), z);
}

// numerator / (1 + e^-|v|), where the caller's numerator for negative v carries the factor e^-|v|: never the
// reciprocal of an overflow, so the far tail keeps its relative error.
template <class O, class F = typename O::F>
LATHE_STEPS F sigmoid_steps(F x) {
  const F e = exp_nonpositive<O>(O::neg_abs(x));
  return O::select_negative(x, e, O::set(1.0f)) / (O::set(1.0f) + e);
}

// x where x >= 0 or NaN, else 0. relu(-0) is -0.
template <class O, class F = typename O::F>
LATHE_STEPS F relu_steps(F x) {
  return O::max(O::set(0.0f), x);
}

// x * sigmoid(x) as x / (1 + e^-x). Below -88.38 e^-x is infinity and the result -0, for -inf as well, since x is cut
// off there; from 87.69 on e^-x is 0.
template <class O, class F = typename O::F>
LATHE_STEPS F silu_steps(F x) {
  const F floored = O::max(O::set(-89.0f), x);
  return floored / (O::set(1.0f) + exp_flushed<O>(O::max(O::set(-88.0f), O::negate(floored))));
}

// Coefficients of gelu_root, by ascending power of x^2.
constexpr float kGelu[] = {0x1.105834p-1f,   -0x1.3b465ap-5f, 0x1.3badb2p-9f,   -0x1.dc472ep-14f, 0x1.123c32p-18f,
                           -0x1.e60deep-24f, 0x1.4750a8p-29f, -0x1.3ec688p-35f, 0x1.8ed3a6p-42f,  -0x1.daec7ap-50f};

// z(x) / x as erf_root has it, for erf(x / sqrt 2) and without a division: at the flat top of the cubic an error of z
// counts so little that a polynomial of degree 9 in s = x^2 does. A minimax fit of x^2 (1 - z^2) * error on |x| <= 6,
// and there 1/6 but for a rounding too large. Horner's rule over pairs: half of the latency for one operation.
template <class O, class F = typename O::F>
LATHE_STEPS F gelu_root(F s) {
  const F s2 = s * s;
  F p = O::fma(O::set(kGelu[9]), s, O::set(kGelu[8]));
  for (int i = 6; i >= 0; i -= 2) p = O::fma(p, s2, O::fma(O::set(kGelu[i + 1]), s, O::set(kGelu[i])));
  return p;
}

// 0.5 x (1 + erf(x / sqrt 2)) = x * u^2 * (3 - u) / 4 with u = 1 + z, which keeps what accuracy z has near -1, where
// 1 + erf would cancel. From -6 down u is 0 and the result -0.
template <class O, class F = typename O::F>
LATHE_STEPS F gelu_erf_steps(F x) {
  const F floored = O::max(O::set(-6.0f), x), v = O::min(O::set(6.0f), floored);
  const F u = O::max(O::set(0.0f), O::fma(v, gelu_root<O>(v * v), O::set(1.0f)));
  return floored * (u * u * O::fma(u, O::set(-0.25f), O::set(0.75f)));
}

// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), as x / (1 + e^-v) with v = 2 sqrt(2/pi) (x + 0.044715 x^3): the same
// function without the cancellation of 1 + tanh. At x = 10 v is 87.3, e^-v nothing beside 1; at -10.0625 it is -88.7
// and e^-v infinity.
template <class O, class F = typename O::F>
LATHE_STEPS F gelu_tanh_steps(F x) {
  const F floored = O::max(O::set(-10.0625f), x), v = O::min(O::set(10.0f), floored);
  const F minus_w = O::fma(v * v, O::set(-0x1.2444f2p-4f), O::set(-0x1.988454p0f));
  return floored / (O::set(1.0f) + exp_flushed<O>(v * minus_w));
}

// ln x in float64 for a normal x > 0, from +, -, * and / alone, so that it is the same on every machine (a C library's
// log is not): x = 2^n * m with m between sqrt(1/2) and sqrt(2), ln m = 2 artanh(s) by its series, whose first term
// left out is below 2^-56. NaN and infinity stay what they are.
LATHE_STEPS double log_f64(double x) {
  if (!(x < __builtin_inf())) return x;
  uint64_t bits = __builtin_bit_cast(uint64_t, x);
  constexpr uint64_t kHalfRoot = 0x3fe6a09e667f3bcdu;  // sqrt(1/2)
  const int64_t n = static_cast<int64_t>(bits - kHalfRoot) >> 52;
  bits -= static_cast<uint64_t>(n) << 52;
  const double m = __builtin_bit_cast(double, bits), s = (m - 1.0) / (m + 1.0), s2 = s * s;
  const double s4 = s2 * s2;  // two chains: the latency of one was most of a row's
  double even = 1.0 / 21.0, odd = 1.0 / 19.0;
  for (int k = 17; k >= 5; k -= 4) {
    even = even * s4 + 1.0 / k;
    odd = odd * s4 + 1.0 / (k - 2);
  }
  const double series = odd * s2 + (even * s4 + 1.0);
  return static_cast<double>(n) * 0x1.62e42fefa39efp-1 + 2.0 * s * series;
}

#undef LATHE_STEPS
