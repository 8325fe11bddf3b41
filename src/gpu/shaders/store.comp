#version 460
// A row into a cache at the step's position: cache[position, i] = x[i].
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(push_constant, std430) uniform Arguments {
  Floats x;
  Outputs cache;
  State state;
  uint n, context;
} p;

void main() {
  const uint i = group() * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
  if (i < p.n && p.state.position < p.context) p.cache.at[p.state.position * p.n + i] = p.x.at[i];
}
