#version 460
// y[r,i] = (x[r,i] - mean) / sqrt(var + epsilon) * w[i] + b[i], a workgroup for a row: the mean first, then the mean of the
// squared differences. Each thread sums what is its turn, then the tree.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"
#include "tree.glsl"

layout(push_constant, std430) uniform Arguments {
  Floats x;
  Floats w;
  Floats bias;  // where steps has 1
  Outputs y;    // may be x
  uint n, x_row, y_row;
  float epsilon;
  uint steps, unused;
} p;

void main() {
  const uint x = group() * p.x_row, y = group() * p.y_row, me = gl_LocalInvocationIndex;
  float sum = 0;
  for (uint i = me; i < p.n; i += gl_WorkGroupSize.x) sum += p.x.at[x + i];
  const float mean = over_threads(sum) / float(p.n);
  sum = 0;
  for (uint i = me; i < p.n; i += gl_WorkGroupSize.x) {
    const float d = p.x.at[x + i] - mean;
    sum = fma(d, d, sum);
  }
  const float factor = inversesqrt(over_threads(sum) / float(p.n) + p.epsilon);
  for (uint i = me; i < p.n; i += gl_WorkGroupSize.x) {
    const float v = (p.x.at[x + i] - mean) * factor;
    p.y.at[y + i] = fma(v, p.w.at[i], (p.steps & 1) != 0 ? p.bias.at[i] : 0.0);
  }
}
