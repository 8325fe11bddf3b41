#version 460
// y[r,i] = f(x[r,i]), or f(x[r,i]) * up[r,i]; a thread for an element.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"
#include "activations.glsl"

layout(push_constant, std430) uniform Arguments {
  Floats x;
  Floats up;  // where steps has 1
  Outputs y;  // may be x or up
  uint n, x_row, up_row, y_row;
  uint activation, steps;
} p;

void main() {
  const uint i = gl_WorkGroupID.x * gl_WorkGroupSize.x + gl_LocalInvocationIndex, row = gl_WorkGroupID.y;
  if (i >= p.n) return;
  float v = activated(p.activation, p.x.at[row * p.x_row + i]);
  if ((p.steps & 1) != 0) v *= p.up.at[row * p.up_row + i];
  p.y.at[row * p.y_row + i] = v;
}
