#version 460
// Rows of tokens into their texts' caches: cache of t's text[slots[t]] = x[t]. A slot for which the cache has no room
// takes nothing.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(push_constant, std430) uniform Arguments {
  Floats x;
  Addresses caches;
  Indices slots;
  Indices rooms;  // of each text
  uint n, x_row, rows_of_text;
} p;

void main() {
  const uint i = gl_WorkGroupID.x * gl_WorkGroupSize.x + gl_LocalInvocationIndex, row = gl_WorkGroupID.y;
  const uint slot = p.slots.at[row], text = row / p.rows_of_text;
  if (i >= p.n || slot >= p.rooms.at[text]) return;
  Outputs cache = Outputs(p.caches.at[text]);
  cache.at[slot * p.n + i] = p.x.at[row * p.x_row + i];
}
