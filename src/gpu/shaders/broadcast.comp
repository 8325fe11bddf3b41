#version 460
// A lane has a column. Activations come into the lanes of a subgroup, a vector each, and from there to all of it, so that
// no shared memory and no barrier stands between them and the weights.
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_ballot : require
#define PANELS
#include "product.glsl"
#include "epilogue.glsl"

void main() {
  const uint column = group() * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
  float sums[kHalves];
  for (uint h = 0; h < kHalves; ++h) sums[h] = 0;
  vec4 held = vec4(0);
  for (uint unit = 0; unit < p.units; ++unit) {
    vec4 x[kUnit4];
    for (uint i = 0; i < kUnit4; ++i) {
      const uint vector = unit * kUnit4 + i, lane = vector % gl_SubgroupSize;
      if (lane == 0) held = x_at(0, vector + gl_SubgroupInvocationID);
      x[i] = subgroupBroadcast(held, lane);
    }
    for (uint h = 0; h < kHalves; ++h) {
      const uint c = min(column, p.n - 1) + h * p.n;
      sums[h] = unit_product(sums[h], unit_at(c, unit), scale_at(c, unit), x);
    }
  }
  if (column < p.n) write_output(0, column, sums[0], sums[kGated]);
}
