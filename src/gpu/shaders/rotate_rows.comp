#version 460
// Queries and keys of many tokens in place, a workgroup for a head of a token: the head's RMS norm where there are norms,
// then the rotation of rope.comp by the token's position.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"
#include "tree.glsl"

layout(constant_id = 1) const uint kInterleaved = 0;

layout(push_constant, std430) uniform Arguments {
  Outputs x;
  Floats table;
  Indices positions;
  Floats query_norm;
  Floats key_norm;
  uint heads;  // of queries, which come before those of keys
  uint dim, pairs, row, context;
  float epsilon, offset;
  uint steps;  // 1 norms
} p;

float factor = 1;

float weight_at(uint i) {
  if ((p.steps & 1) == 0) return 1;
  return factor * (p.offset + (gl_WorkGroupID.x < p.heads ? p.query_norm.at[i] : p.key_norm.at[i]));
}

void main() {
  const uint head = gl_WorkGroupID.y * p.row + gl_WorkGroupID.x * p.dim, me = gl_LocalInvocationIndex;
  if ((p.steps & 1) != 0) {
    float sum = 0;
    for (uint i = me; i < p.dim; i += gl_WorkGroupSize.x) {
      const float v = p.x.at[head + i];
      sum = fma(v, v, sum);
    }
    factor = inversesqrt(over_threads(sum) / float(p.dim) + p.epsilon);
  }
  const uint angles = min(p.positions.at[gl_WorkGroupID.y], p.context - 1) * p.pairs;
  for (uint pair = me; pair < p.pairs; pair += gl_WorkGroupSize.x) {
    const uint first = kInterleaved != 0 ? 2 * pair : pair, second = first + (kInterleaved != 0 ? 1 : p.pairs);
    const float c = p.table.at[2 * (angles + pair)], s = p.table.at[2 * (angles + pair) + 1];
    const float a = p.x.at[head + first] * weight_at(first), b = p.x.at[head + second] * weight_at(second);
    p.x.at[head + first] = fma(a, c, -(b * s));
    p.x.at[head + second] = fma(a, s, b * c);
  }
  for (uint i = 2 * p.pairs + me; i < p.dim; i += gl_WorkGroupSize.x) p.x.at[head + i] *= weight_at(i);
}
