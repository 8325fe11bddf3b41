#version 460
// y[i] = x[from[i]], row by row; a row that x does not have is its last.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(push_constant, std430) uniform Arguments {
  Floats x;
  Indices from;
  Outputs y;
  uint n, x_rows, x_row, y_row;
} p;

void main() {
  const uint i = gl_WorkGroupID.x * gl_WorkGroupSize.x + gl_LocalInvocationIndex, row = gl_WorkGroupID.y;
  if (i < p.n) p.y.at[row * p.y_row + i] = p.x.at[min(p.from.at[row], p.x_rows - 1) * p.x_row + i];
}
