// The functions of gpu::Activation, by their numbers.
//
// exp of GLSL may be off by 3 + 2 |x| units in the last place, which is a part in 10^5 of the weights that e^-87 gives and
// a part in 10^6 of those that count; what is built on it here never subtracts near-equal values of it.

float sigmoid_product(float x, float exponent) { return x / (1.0 + exp(-exponent)); }

// 0.5 x (1 + erf(x / sqrt 2)) as x u^2 (3 - u) / 4, u = 1 + z, with z a polynomial in x^2: the steps of
// kernels/common/math_steps.inl.h, where the reasons stand.
float gelu_erf(float x) {
  const float v = clamp(x, -6.0, 6.0), s = v * v;
  float z = -1.64772271e-15;
  z = fma(z, s, 3.54229314e-13);
  z = fma(z, s, -3.624058e-11);
  z = fma(z, s, 2.38153053e-09);
  z = fma(z, s, -1.13168362e-07);
  z = fma(z, s, 4.086422e-06);
  z = fma(z, s, -0.000113553535);
  z = fma(z, s, 0.0024084358);
  z = fma(z, s, -0.0384856947);
  z = fma(z, s, 0.531922936);
  const float u = max(0.0, fma(v, z, 1.0));
  return max(x, -6.0) * (u * u * fma(u, -0.25, 0.75));
}

// Up to 1/2 by the power series; GLSL's own may subtract two exponentials, which leaves no digit of a small result.
float tanh_of(float x) {
  const float size = min(abs(x), 10.0), s = x * x;
  if (size > 0.5) return sign(x) * (1.0 - 2.0 / (exp(2.0 * size) + 1.0));
  float z = -0.00145583438;
  z = fma(z, s, 0.00359212804);
  z = fma(z, s, -0.00886323553);
  z = fma(z, s, 0.0218694885);
  z = fma(z, s, -0.0539682540);
  z = fma(z, s, 0.133333333);
  z = fma(z, s, -0.333333333);
  return fma(x * s, z, x);
}

// exp never overflows here, since what a device makes of that is its own affair.
float activated(uint function, float x) {
  switch (function) {
    case 1:
      return max(x, 0.0);
    case 2:
      return gelu_erf(x);
    case 3: {
      const float v = clamp(x, -10.0, 10.0);
      return sigmoid_product(max(x, -10.0), v * fma(v * v, 0.0713548163, 1.59576912));
    }
    case 4: {
      const float v = max(x, -87.0);
      return sigmoid_product(v, v);
    }
    case 5:
      return tanh_of(x);
    case 6:
      return sigmoid_product(1.0, max(x, -87.0));
    default:
      return x;
  }
}
