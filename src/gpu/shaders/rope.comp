#version 460
// Rotates heads of x in place by the angles of the step's position: (a, b) becomes (a cos - b sin, a sin + b cos), where a
// and b are `pairs` apart (halves) or neighbours (interleaved). The table holds (cos, sin) of [position][pair].
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(constant_id = 1) const uint kInterleaved = 0;

layout(push_constant, std430) uniform Arguments {
  Outputs x;
  Floats table;
  State state;
  uint heads, pairs, head_stride, context;
} p;

void main() {
  const uint i = group() * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
  if (i >= p.heads * p.pairs) return;
  const uint head = i / p.pairs, pair = i % p.pairs;
  const uint at = head * p.head_stride + (kInterleaved != 0 ? 2 * pair : pair);
  const uint other = at + (kInterleaved != 0 ? 1 : p.pairs), angle = (min(p.state.position, p.context - 1) * p.pairs + pair) * 2;
  const float c = p.table.at[angle], s = p.table.at[angle + 1], a = p.x.at[at], b = p.x.at[other];
  p.x.at[at] = fma(a, c, -(b * s));
  p.x.at[other] = fma(a, s, b * c);
}
