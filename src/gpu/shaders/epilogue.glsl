// From sums to an output, each step rounded once, in this order; a step whose operand is absent is left out:
//   v *= alpha;  v = fma(beta, old, v);  v += bias;  v = act(v);  gated: v *= up, which took the steps before act too;
//   v += residual
const uint kBias = 1, kResidual = 2, kBeta = 4;

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

// exp never overflows here, since what a device makes of that is its own affair.
float activate(float x) {
  switch (p.activation) {
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
    default:
      return x;
  }
}

float before_activation(float v, uint row, uint column) {
  v *= p.alpha;
  if ((p.steps & kBeta) != 0) v = fma(p.beta, p.y.at[row * p.y_row + column], v);
  if ((p.steps & kBias) != 0) v += p.bias.at[column];
  return v;
}

void write_output(uint row, uint column, float sum, float up) {
  float v = activate(before_activation(sum, row, column));
  if (kGated != 0) v *= before_activation(up, row, p.n + column);
  if ((p.steps & kResidual) != 0) v += p.residual.at[row * p.residual_row + column];
  p.y.at[row * p.y_row + column] = v;
}
