#version 460
// h[r] += rms_norm(x[r]) * (offset + post);  y[r] = rms_norm(h[r]) * (offset + next), a workgroup for a row, summed as in
// rms_norm.comp.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"
#include "tree.glsl"

layout(push_constant, std430) uniform Arguments {
  Floats x;
  Floats post;
  Floats next;
  Outputs hidden;
  Outputs y;  // may be x
  uint n;
  float epsilon, offset;
  uint unused;
} p;

void main() {
  const uint row = group() * p.n, me = gl_LocalInvocationIndex;
  float sum = 0;
  for (uint i = me; i < p.n; i += gl_WorkGroupSize.x) {
    const float v = p.x.at[row + i];
    sum = fma(v, v, sum);
  }
  const float of_x = inversesqrt(over_threads(sum) / float(p.n) + p.epsilon);
  sum = 0;
  for (uint i = me; i < p.n; i += gl_WorkGroupSize.x) {
    const float h = p.hidden.at[row + i] + p.x.at[row + i] * of_x * (p.offset + p.post.at[i]);
    p.hidden.at[row + i] = h;
    sum = fma(h, h, sum);
  }
  const float of_hidden = inversesqrt(over_threads(sum) / float(p.n) + p.epsilon);
  for (uint i = me; i < p.n; i += gl_WorkGroupSize.x)
    p.y.at[row + i] = p.hidden.at[row + i] * of_hidden * (p.offset + p.next.at[i]);
}
