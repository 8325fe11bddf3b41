#version 460
// For the 30,000 and more columns of a vocabulary: all of x is staged once, and then the workgroup's subgroups go
// through many columns, a unit of k per lane.
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#include "product.glsl"
#include "epilogue.glsl"

layout(constant_id = 3) const uint kColumns = 64;   // of a workgroup
layout(constant_id = 4) const uint kVectors = 256;  // of x at most

shared vec4 staged[kVectors];

void main() {
  const uint tile = group() * kColumns;
  if (tile >= p.n) return;  // of all threads of the workgroup
  for (uint i = gl_LocalInvocationIndex; i < p.units * kUnit4; i += gl_WorkGroupSize.x) staged[i] = x_at(0, i);
  barrier();
  const uint end = min(tile + kColumns, p.n);
  for (uint column = tile + gl_SubgroupID; column < end; column += gl_NumSubgroups) {
    float sums[kHalves];
    for (uint h = 0; h < kHalves; ++h) sums[h] = 0;
    for (uint unit = gl_SubgroupInvocationID; unit < p.units; unit += gl_SubgroupSize) {
      vec4 x[kUnit4];
      for (uint i = 0; i < kUnit4; ++i) x[i] = staged[unit * kUnit4 + i];
      for (uint h = 0; h < kHalves; ++h)
        sums[h] = unit_product(sums[h], unit_at(column + h * p.n, unit), scale_at(column + h * p.n, unit), x);
    }
    const float sum = subgroupAdd(sums[0]), up = kGated != 0 ? subgroupAdd(sums[kGated]) : 0;
    if (gl_SubgroupInvocationID == 0) write_output(0, column, sum, up);
  }
}
