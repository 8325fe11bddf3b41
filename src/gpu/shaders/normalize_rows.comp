#version 460
// The first n elements of rows to the length 1, a workgroup for a row, summed as in rms_norm.comp. A row of zeros stays.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"
#include "tree.glsl"

layout(push_constant, std430) uniform Arguments {
  Outputs y;
  uint n, row;
} p;

void main() {
  const uint row = group() * p.row, me = gl_LocalInvocationIndex;
  float sum = 0;
  for (uint i = me; i < p.n; i += gl_WorkGroupSize.x) {
    const float v = p.y.at[row + i];
    sum = fma(v, v, sum);
  }
  const float squares = over_threads(sum);
  if (squares == 0) return;
  const float factor = inversesqrt(squares);
  for (uint i = me; i < p.n; i += gl_WorkGroupSize.x) p.y.at[row + i] *= factor;
}
