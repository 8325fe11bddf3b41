// exp, tanh, erf, sigmoid and the activations built on them, written once over a policy of f32 operations.
//
// The policy O is either ScalarOps (scalar_steps.h) or VectorOps<D> (simd_math.h). Every operation in it is correctly
// rounded or exact, so the same steps give the same f32 bits on every instruction set and vector width. NaN: O::min and
// O::max give their second operand where either is NaN (as MINPS and MAXPS do), so a NaN argument stays one.
//
// This file is included inside `namespace lathe::kernels { namespace {`: ISA files must not leave weak symbols.

#define LATHE_STEPS [[gnu::always_inline]] inline

// e^r - 1 on |r| <= ln2/2 as r + r*r*q(r), q of degree 4, a minimax fit (relative error of 1 + p: 3.3e-9). The leading
// term is r itself, so the relative error stays small down to the smallest r.
template <class O, class F = typename O::F>
LATHE_STEPS F expm1_poly(F r) {
  F q = O::fma(O::set(0x1.694ccp-10f), r, O::set(0x1.123984p-7f));
  q = O::fma(q, r, O::set(0x1.555a26p-5f));
  q = O::fma(q, r, O::set(0x1.555492p-3f));
  q = O::fma(q, r, O::set(0x1.fffffap-2f));
  return O::fma(r * r, q, r);
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

// e^x for -104 <= x <= 89 or NaN. The power of two is applied as two factors 2^floor(n/2) * 2^ceil(n/2): the first
// product is exact and the second rounds once, which gives subnormal results and overflow to infinity without a branch.
template <class O, class F = typename O::F>
LATHE_STEPS F exp_clamped(F x) {
  const auto v = reduce_ln2<O>(x, 0x1.8p23f + 254.0f);
  const F p = O::set(1.0f) + expm1_poly<O>(v.r);
  const auto bits = O::bits(v.t);             // ... + n + 2 * 127
  const auto low = O::template shr<1>(bits);  // ... + floor(n/2) + 127
  const auto high = bits - low;               // ... + ceil(n/2) + 127
  return (p * O::from_bits(O::template shl<23>(low))) * O::from_bits(O::template shl<23>(high));
}

// e^-104 is below half of the smallest subnormal (2^-150 = e^-103.97), e^89 is above the largest float.
template <class O, class F = typename O::F>
LATHE_STEPS F exp_steps(F x) {
  return exp_clamped<O>(O::max(O::set(-104.0f), O::min(O::set(89.0f), x)));
}

// The same for x <= 0.
template <class O, class F = typename O::F>
LATHE_STEPS F exp_nonpositive(F x) {
  return exp_clamped<O>(O::max(O::set(-104.0f), x));
}

// tanh|x| = -m / (2 + m) with m = expm1(-2|x|) = 2^n * (1 + p) - 1. From |x| = 10 on it is 1.
template <class O, class F = typename O::F>
LATHE_STEPS F tanh_steps(F x) {
  const F minus2x = O::max(O::set(-20.0f), O::neg_abs(x + x));
  const auto v = reduce_ln2<O>(minus2x, 0x1.8p23f + 127.0f);
  const F scale = O::from_bits(O::template shl<23>(O::bits(v.t)));
  const F m = O::fma(scale, expm1_poly<O>(v.r), scale - O::set(1.0f));
  return O::copy_sign(m / (O::set(2.0f) + m), x);
}

// Coefficients of erf_root, by ascending power of x^2.
constexpr float kErfP[] = {0x1.27468ep-9f, -0x1.bb9d12p-4f, -0x1.a7843cp-7f, -0x1.ea6cb2p-11f, -0x1.5a552p-15f};
constexpr float kErfQ[] = {1.0f, 0x1.f4ae48p-3f, 0x1.c14044p-6f, 0x1.d1d582p-10f, 0x1.f8946ap-15f};

// z(x) with erf(x) = z * (3 - z*z) / 2, as x * (0.75 + P(x^2) / Q(x^2)), a minimax fit on |x| <= 5. The cubic is flat
// at z = 1, so the rounding errors of a quotient near 1 vanish from erf, and 1 + erf = (1 + z)^2 * (2 - z) / 2 keeps
// relative accuracy where erf alone would cancel. z is smoother than erf too: degree 4 does where erf itself needs 5.
// P / Q is between 0.003 and -0.55. Beyond 5 z is above 1 and is cut off there.
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

// x * sigmoid(v) where v has the sign of x, and `floor` is an x at which e^v is already 0: with -inf cut off there, the
// limit -0 comes out and not 0 * inf.
template <class O, class F = typename O::F>
LATHE_STEPS F times_sigmoid(F x, F x_floored, F v) {
  const F e = exp_nonpositive<O>(O::neg_abs(v));
  return O::select_negative(x, x_floored * e, x) / (O::set(1.0f) + e);
}

// x where x >= 0 or NaN, else 0. relu(-0) is -0.
template <class O, class F = typename O::F>
LATHE_STEPS F relu_steps(F x) {
  return O::max(O::set(0.0f), x);
}

// x * sigmoid(x)
template <class O, class F = typename O::F>
LATHE_STEPS F silu_steps(F x) {
  const F floored = O::max(O::set(-128.0f), x);
  return times_sigmoid<O>(x, floored, floored);
}

// 0.5 x (1 + erf(x / sqrt 2)) = x * (1 + z)^2 * (0.5 - z / 4). From about -7.1 down the result is -0.
template <class O, class F = typename O::F>
LATHE_STEPS F gelu_erf_steps(F x) {
  const F z = erf_root<O>(x * O::set(0x1.6a09e6p-1f));
  const F u = O::set(1.0f) + z;
  return O::max(O::set(-16.0f), x) * (u * u * O::fma(z, O::set(-0.25f), O::set(0.5f)));
}

// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), as x * sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)): the same function
// without the cancellation of 1 + tanh.
template <class O, class F = typename O::F>
LATHE_STEPS F gelu_tanh_steps(F x) {
  const F floored = O::max(O::set(-16.0f), x);
  const F w = O::fma(floored * floored, O::set(0x1.2444f2p-4f), O::set(0x1.988454p0f));
  return times_sigmoid<O>(x, floored, floored * w);
}

#undef LATHE_STEPS
