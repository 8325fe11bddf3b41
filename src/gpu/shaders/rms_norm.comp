#version 460
// y[r,i] = x[r,i] / sqrt(sum over i of x[r,i]^2 / n + epsilon) * (offset + w[i]), a workgroup for a row. Each thread sums
// the squares that are its turn; the threads' sums are halved in a tree, so that subgroups play no part in the order.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(push_constant, std430) uniform Arguments {
  Floats x;
  Floats w;
  Outputs y;  // may be x
  uint n, x_row, y_row;
  float epsilon, offset;
} p;

shared float sums[gl_WorkGroupSize.x];

void main() {
  const uint row = group(), me = gl_LocalInvocationIndex;
  float sum = 0;
  for (uint i = me; i < p.n; i += gl_WorkGroupSize.x) {
    const float v = p.x.at[row * p.x_row + i];
    sum = fma(v, v, sum);
  }
  sums[me] = sum;
  for (uint half_way = gl_WorkGroupSize.x / 2; half_way > 0; half_way /= 2) {
    barrier();
    if (me < half_way) sums[me] += sums[me + half_way];
  }
  barrier();
  const float factor = inversesqrt(sums[0] / float(p.n) + p.epsilon);
  for (uint i = me; i < p.n; i += gl_WorkGroupSize.x)
    p.y.at[row * p.y_row + i] = p.x.at[row * p.x_row + i] * factor * (p.offset + p.w.at[i]);
}
