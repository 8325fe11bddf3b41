#version 460
// Rows of many tokens into a cache: cache[slots[t]] = x[t]. A slot that the cache does not have takes nothing.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(push_constant, std430) uniform Arguments {
  Floats x;
  Outputs cache;
  Indices slots;
  uint n, x_row, cache_rows;
} p;

void main() {
  const uint i = gl_WorkGroupID.x * gl_WorkGroupSize.x + gl_LocalInvocationIndex, row = gl_WorkGroupID.y;
  if (i < p.n && p.slots.at[row] < p.cache_rows) p.cache.at[p.slots.at[row] * p.n + i] = p.x.at[row * p.x_row + i];
}
