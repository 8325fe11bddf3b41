#version 460
// One query per head of each text against the keys position - behind .. position of its cache, a workgroup for a head and
// a split of kThreads keys:
//   s[j] = scale * sum over d of q[d] k[j,d];  m = max s[j];  l = sum of e^(s[j] - m);  o[d] = sum of e^(s[j] - m) v[j,d]
// Neighbouring threads read neighbouring floats. Of a key kLanes threads have every kLanes-th vector of four each, d
// ascending; their sums are added in a tree, and so is l over the split's keys. Of the values a thread has elements of o,
// j ascending. Subgroups play no part in the order. attention_join.comp puts the splits together.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"
#include "tree.glsl"

layout(constant_id = 1) const uint kMostDim = 256;
const uint kThreads = gl_WorkGroupSize.x;
const uint kLanes = 8;
const uint kKeysAtOnce = kThreads / kLanes;
const uint kStride = kThreads + kLanes / 2;  // so that what 32 threads write lies in 32 banks
const float kLowest = -3.4028234663852886e38;

layout(push_constant, std430) uniform Arguments {
  Floats q;          // [texts] rows of [heads][dim]
  Addresses keys;    // of each text [room][kv_heads][dim]
  Addresses values;
  Outputs parts;     // [texts][heads][splits] { m, l, o[dim] }
  Indices positions;
  Indices rooms;     // 0: there is no text
  uint heads, kv_heads, dim, splits;
  float scale;
  uint q_row, behind;
} p;

shared vec4 query[kMostDim / 4];
shared float scores[kLanes * kStride];
shared float weights[kThreads];

void stage_query(uint at) {
  for (uint v = gl_LocalInvocationIndex; 4 * v < p.dim; v += kThreads)
    for (uint c = 0; c < 4; ++c) query[v][c] = 4 * v + c < p.dim ? p.q.at[at + 4 * v + c] : 0;
  barrier();
}

// Vector v of the key that begins at float `key`.
vec4 key_at(Vectors keys, uint key, uint v) {
  if (p.dim % 4 == 0) return keys.at[key / 4 + v];
  vec4 x = vec4(0);
  for (uint c = 0; c < 4 && 4 * v + c < p.dim; ++c) x[c] = keys.at[(key + 4 * v + c) / 4][(key + 4 * v + c) % 4];
  return x;
}

// What one of its threads has of it.
float score_of(Vectors keys, uint key, uint lane) {
  float sum = 0;
  for (uint v = lane; 4 * v < p.dim; v += kLanes) {
    const vec4 x = query[v], k = key_at(keys, key, v);
    sum = fma(x.w, k.w, fma(x.z, k.z, fma(x.y, k.y, fma(x.x, k.x, sum))));
  }
  return sum;
}

float over_lanes(uint key) {
  float lanes[kLanes];
  for (uint l = 0; l < kLanes; ++l) lanes[l] = scores[l * kStride + key];
  for (uint half_way = kLanes / 2; half_way > 0; half_way /= 2)
    for (uint l = 0; l < half_way; ++l) lanes[l] += lanes[l + half_way];
  return lanes[0];
}

void main() {
  const uint head = gl_WorkGroupID.x, me = gl_LocalInvocationIndex;
  const uint text = gl_WorkGroupID.y / p.splits, split = gl_WorkGroupID.y % p.splits;
  const uint position = p.positions.at[text];
  const uint first = split * kThreads, length = min(position + 1, p.rooms.at[text]);
  const uint begin = position > p.behind ? position - p.behind : 0;
  if (first >= length || first + kThreads <= begin) return;  // of all threads of the workgroup
  const uint count = min(kThreads, length - first), unseen = max(begin, first) - first;
  const uint kv = head / (p.heads / p.kv_heads);
  Vectors keys = Vectors(p.keys.at[text]);
  Floats values = Floats(p.values.at[text]);
  stage_query(text * p.q_row + head * p.dim);
  for (uint j = me / kLanes; j < count; j += kKeysAtOnce)
    if (j >= unseen)
      scores[me % kLanes * kStride + j] = score_of(keys, ((first + j) * p.kv_heads + kv) * p.dim, me % kLanes);
  barrier();
  const bool has_key = me >= unseen && me < count;
  const float score = has_key ? over_lanes(me) * p.scale : kLowest;
  const float largest = largest_over_threads(score);
  weights[me] = has_key ? exp(score - largest) : 0;
  const float total = over_threads(weights[me]);
  const uint part = ((text * p.heads + head) * p.splits + split) * (p.dim + 2);
  for (uint d = me; d < p.dim; d += kThreads) {
    float sum = 0;
    for (uint j = unseen; j < count; ++j)
      sum = fma(weights[j], values.at[((first + j) * p.kv_heads + kv) * p.dim + d], sum);
    p.parts.at[part + 2 + d] = sum;
  }
  if (me != 0) return;
  p.parts.at[part] = largest;
  p.parts.at[part + 1] = total;
}
