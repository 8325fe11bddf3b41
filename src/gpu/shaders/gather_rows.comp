#version 460
// Embeddings of many tokens: y[t] = (alpha * W[ids[t]] + type) + table[first + positions[t]], what is absent left out, a
// thread for 16 bytes of a token. Rows of W are units, as a product's columns; type and table are f32.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(push_constant, std430) uniform Arguments {
  Units w;
  Scales scale;
  Indices ids;
  Indices positions;
  Floats type;
  Floats table;
  Outputs y;
  uint tokens, vocabulary, n, units, scales, y_row;
  uint first, count;  // rows of the table
  float alpha;
  uint steps;  // 1 type, 2 table
} p;

layout(constant_id = 2) const uint kLayout = 0;  // 0 rows, 1 panels
const bool kInPanels = kLayout == 1;
#include "weights.glsl"

void main() {
  const uint unit = gl_WorkGroupID.x * gl_WorkGroupSize.x + gl_LocalInvocationIndex, t = gl_WorkGroupID.y;
  if (unit >= p.units) return;
  const uint token = min(p.ids.at[t], p.vocabulary - 1);
  const uint position = (p.steps & 2) != 0 ? min(p.first + p.positions.at[t], p.count - 1) : 0;
  for (uint v = 0; v < kUnit4; ++v) {
    const vec4 w = four_of(unit_at(token, unit), scale_at(token, unit), v);
    for (uint c = 0; c < 4; ++c) {
      const uint i = (unit * kUnit4 + v) * 4 + c;
      if (i >= p.n) return;
      float sum = p.alpha * w[c];
      if ((p.steps & 1) != 0) sum += p.type.at[i];
      if ((p.steps & 2) != 0) sum += p.table.at[position * p.n + i];
      p.y.at[t * p.y_row + i] = sum;
    }
  }
}
