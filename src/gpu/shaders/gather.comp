#version 460
// y[i] = scale * the embedding of the token, one row: y[i] = alpha * W[token, i]. Rows of W are units, as a product's.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(push_constant, std430) uniform Arguments {
  Units w;
  Scales scale;
  State state;
  Outputs y;
  uint vocabulary, n, units, scales;
  float alpha;
} p;

#include "weights.glsl"

void main() {
  const uint unit = group() * gl_WorkGroupSize.x + gl_LocalInvocationIndex, token = p.state.token;
  if (unit >= p.units || token >= p.vocabulary) return;
  for (uint v = 0; v < kUnit4; ++v) {
    const vec4 w = four_of(unit_at(token, unit), scale_at(token, unit), v);
    const uint first = (unit * kUnit4 + v) * 4;
    for (uint c = 0; c < 4; ++c)
      if (first + c < p.n) p.y.at[first + c] = p.alpha * w[c];
  }
}
