// From sums to an output, each step rounded once, in this order; a step whose operand is absent is left out:
//   v *= alpha;  v = fma(beta, old, v);  v += bias;  v = act(v);  gated: v *= up, which took the steps before act too;
//   v += residual
// precise: so that no row of the table contracts two of them where another does not.
#include "activations.glsl"

const uint kBias = 1, kResidual = 2, kBeta = 4;

float before_activation(float sum, uint row, uint column) {
  precise float v = sum * p.alpha;
  if ((p.steps & kBeta) != 0) v = fma(p.beta, p.y.at[row * p.y_row + column], v);
  if ((p.steps & kBias) != 0) v += p.bias.at[column];
  return v;
}

void write_output(uint row, uint column, float sum, float up) {
  precise float v = activated(p.activation, before_activation(sum, row, column));
  if (kGated != 0) v *= before_activation(up, row, p.n + column);
  if ((p.steps & kResidual) != 0) v += p.residual.at[row * p.residual_row + column];
  p.y.at[row * p.y_row + column] = v;
}
