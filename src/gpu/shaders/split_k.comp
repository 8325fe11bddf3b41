#version 460
// A workgroup has a few columns and all its threads lie along k: for few outputs of long sums. Subgroups are summed
// first, then their sums in ascending order.
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#include "product.glsl"
#include "epilogue.glsl"

layout(constant_id = 3) const uint kColumns = 4;      // of a workgroup
layout(constant_id = 4) const uint kSubgroups = 64;   // of a workgroup at least
const uint kSums = kColumns * kHalves;

shared float parts[kSums * kSubgroups];

float over_subgroups(uint s) {
  float total = 0;
  for (uint i = 0; i < gl_NumSubgroups; ++i) total += parts[s * kSubgroups + i];
  return total;
}

void main() {
  const uint first = group() * kColumns;
  if (first >= p.n) return;  // of all threads of the workgroup
  float sums[kSums];
  for (uint i = 0; i < kSums; ++i) sums[i] = 0;
  for (uint unit = gl_LocalInvocationIndex; unit < p.units; unit += gl_WorkGroupSize.x) {
    vec4 x[kUnit4];
    for (uint i = 0; i < kUnit4; ++i) x[i] = x_at(0, unit * kUnit4 + i);
    for (uint c = 0; c < kColumns; ++c)
      for (uint h = 0; h < kHalves; ++h) {
        const uint column = min(first + c, p.n - 1) + h * p.n, s = c * kHalves + h;
        sums[s] = unit_product(sums[s], unit_at(column, unit), scale_at(column, unit), x);
      }
  }
  for (uint s = 0; s < kSums; ++s) {
    const float sum = subgroupAdd(sums[s]);
    if (gl_SubgroupInvocationID == 0) parts[s * kSubgroups + gl_SubgroupID] = sum;
  }
  barrier();
  const uint c = gl_LocalInvocationIndex;
  if (c >= kColumns || first + c >= p.n) return;
  write_output(0, first + c, over_subgroups(c * kHalves), kGated != 0 ? over_subgroups(c * kHalves + kGated) : 0);
}
