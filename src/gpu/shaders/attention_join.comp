#version 460
// The splits of attention.comp put together, ascending: y[head, d] = sum of e^(m_s - m) o_s[d] / sum of e^(m_s - m) l_s.
// Where there is no text y is 0.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(push_constant, std430) uniform Arguments {
  Floats parts;
  Outputs y;  // [texts] rows of [heads][dim]
  Indices positions;
  Indices rooms;
  uint texts, heads, dim, splits, keys_of_split, behind, y_row;
} p;

void main() {
  const uint i = group() * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
  if (i >= p.texts * p.heads * p.dim) return;
  const uint text = i / (p.heads * p.dim), of_text = i % (p.heads * p.dim), head = of_text / p.dim, d = i % p.dim;
  const uint row = p.dim + 2, part = (text * p.heads + head) * p.splits * row, position = p.positions.at[text];
  if (p.rooms.at[text] == 0) {
    p.y.at[text * p.y_row + of_text] = 0;
    return;
  }
  const uint used = min(position / p.keys_of_split + 1, p.splits);
  const uint first = position > p.behind ? position - p.behind : 0;
  const uint begin = min(first / p.keys_of_split, used - 1);
  float largest = p.parts.at[part + begin * row];
  for (uint s = begin + 1; s < used; ++s) largest = max(largest, p.parts.at[part + s * row]);
  float sum = 0, total = 0;
  for (uint s = begin; s < used; ++s) {
    const float weight = exp(p.parts.at[part + s * row] - largest);
    total = fma(weight, p.parts.at[part + s * row + 1], total);
    sum = fma(weight, p.parts.at[part + s * row + 2 + d], sum);
  }
  p.y.at[text * p.y_row + of_text] = sum / total;
}
