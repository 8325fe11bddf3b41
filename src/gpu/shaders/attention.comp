#version 460
// One query per head against the keys position - behind .. position of a cache, a workgroup for a head and a split of
// kThreads keys:
//   s[j] = scale * sum over d of q[d] k[j,d];  m = max s[j];  l = sum of e^(s[j] - m);  o[d] = sum of e^(s[j] - m) v[j,d]
// A thread has a key first and elements of o then; sums over d and j ascend. attention_join.comp puts the splits together.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(constant_id = 1) const uint kMostDim = 256;
const uint kThreads = gl_WorkGroupSize.x;

layout(push_constant, std430) uniform Arguments {
  Floats q;       // [heads][dim]
  Floats keys;    // [context][kv_heads][dim]
  Floats values;
  Outputs parts;  // [heads][splits] { m, l, o[dim] }
  State state;
  uint heads, kv_heads, dim, splits;
  float scale;
  uint context, behind;
} p;

shared float query[kMostDim];
shared float weights[kThreads];

void main() {
  const uint head = gl_WorkGroupID.x, split = gl_WorkGroupID.y, me = gl_LocalInvocationIndex;
  const uint first = split * kThreads, length = min(p.state.position + 1, p.context);
  const uint begin = p.state.position > p.behind ? p.state.position - p.behind : 0;
  if (first >= length || first + kThreads <= begin) return;  // of all threads of the workgroup
  const uint count = min(kThreads, length - first), unseen = max(begin, first) - first;
  const uint kv = head / (p.heads / p.kv_heads);
  for (uint d = me; d < p.dim; d += kThreads) query[d] = p.q.at[head * p.dim + d];
  barrier();
  float score = 0;
  if (me >= unseen && me < count) {
    const uint key = ((first + me) * p.kv_heads + kv) * p.dim;
    for (uint d = 0; d < p.dim; ++d) score = fma(query[d], p.keys.at[key + d], score);
    weights[me] = score * p.scale;
  }
  barrier();
  float largest = weights[unseen];
  for (uint j = unseen + 1; j < count; ++j) largest = max(largest, weights[j]);
  barrier();
  if (me >= unseen && me < count) weights[me] = exp(score * p.scale - largest);
  barrier();
  const uint part = (head * p.splits + split) * (p.dim + 2);
  for (uint d = me; d < p.dim; d += kThreads) {
    float sum = 0;
    for (uint j = unseen; j < count; ++j)
      sum = fma(weights[j], p.values.at[((first + j) * p.kv_heads + kv) * p.dim + d], sum);
    p.parts.at[part + 2 + d] = sum;
  }
  if (me != 0) return;
  float total = 0;
  for (uint j = unseen; j < count; ++j) total += weights[j];
  p.parts.at[part] = largest;
  p.parts.at[part + 1] = total;
}
