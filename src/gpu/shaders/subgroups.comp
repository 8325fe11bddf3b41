#version 460
// A subgroup has a few columns: its lanes lie along k, a unit each in turn, and are summed at the end.
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#include "product.glsl"
#include "epilogue.glsl"

layout(constant_id = 3) const uint kColumns = 1;  // of a subgroup

void main() {
  const uint first = (group() * gl_NumSubgroups + gl_SubgroupID) * kColumns;
  if (first >= p.n) return;  // of all lanes of the subgroup
  float sums[kColumns * kHalves];
  for (uint i = 0; i < kColumns * kHalves; ++i) sums[i] = 0;
  for (uint unit = gl_SubgroupInvocationID; unit < p.units; unit += gl_SubgroupSize) {
    vec4 x[kUnit4];
    for (uint i = 0; i < kUnit4; ++i) x[i] = x_at(0, unit * kUnit4 + i);
    for (uint c = 0; c < kColumns; ++c)
      for (uint h = 0; h < kHalves; ++h) {
        const uint column = min(first + c, p.n - 1) + h * p.n, s = c * kHalves + h;
        sums[s] = unit_product(sums[s], unit_at(column, unit), scale_at(column, unit), x);
      }
  }
  for (uint c = 0; c < kColumns; ++c) {
    const float sum = subgroupAdd(sums[c * kHalves]), up = kGated != 0 ? subgroupAdd(sums[c * kHalves + kGated]) : 0;
    if (gl_SubgroupInvocationID == 0 && first + c < p.n) write_output(0, first + c, sum, up);
  }
}
