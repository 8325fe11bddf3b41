#version 460
// The splits of attention.comp put together, ascending: y[head, d] = sum of e^(m_s - m) o_s[d] / sum of e^(m_s - m) l_s.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(push_constant, std430) uniform Arguments {
  Floats parts;
  Outputs y;  // [heads][dim]
  State state;
  uint heads, dim, splits, keys_of_split, behind;
} p;

void main() {
  const uint i = group() * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
  if (i >= p.heads * p.dim) return;
  const uint head = i / p.dim, d = i % p.dim, row = p.dim + 2, part = head * p.splits * row;
  const uint used = min(p.state.position / p.keys_of_split + 1, p.splits);
  const uint first = p.state.position > p.behind ? p.state.position - p.behind : 0;
  const uint begin = min(first / p.keys_of_split, used - 1);
  float largest = p.parts.at[part + begin * row];
  for (uint s = begin + 1; s < used; ++s) largest = max(largest, p.parts.at[part + s * row]);
  float sum = 0, total = 0;
  for (uint s = begin; s < used; ++s) {
    const float weight = exp(p.parts.at[part + s * row] - largest);
    total = fma(weight, p.parts.at[part + s * row + 1], total);
    sum = fma(weight, p.parts.at[part + s * row + 2 + d], sum);
  }
  p.y.at[i] = sum / total;
}
