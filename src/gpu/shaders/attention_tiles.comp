#version 460
// Attention of many queries, flash style: a workgroup has a head and a tile of queries of one text, and goes through the
// text's keys a block at a time, ascending. A query at position p sees the keys j with p - behind <= j <= p + ahead.
//   s[j] = scale * sum over d of q[d] k[j,d], d ascending in one chain
//   m = the largest so far;  l, o[d] *= e^(m before - m);  l += e^(s[j] - m);  o[d] += e^(s[j] - m) v[j,d], j ascending
//   y[d] = o[d] / l
// Each of a row's threads keeps the part of l that is of its keys; they are added ascending at the end. So the order
// depends on positions alone, and blocks that nobody sees change nothing: a text has the same bits alone or with others.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(constant_id = 1) const uint kDim = 64;   // of a head at most, a multiple of 16
layout(constant_id = 2) const uint kRows = 32;  // queries of a tile
layout(constant_id = 3) const uint kKeys = 32;  // of a block
const uint kThreads = gl_WorkGroupSize.x;       // = kRows / 4 * kVectors: each has 4 queries and 4 elements of o
const uint kVectors = kDim / 4;
const uint kStride = kVectors + 1;  // odd, so that neighbouring rows begin in other banks
const uint kFours = kRows / 4;
const uint kScores = kRows * kKeys / kThreads;  // of a thread: kScoreRows x kScoreKeys
const uint kScoreKeys = kScores > 4 ? kScores / 4 : 1;
const uint kScoreRows = kScores / kScoreKeys;
const uint kAcross = kKeys / kScoreKeys;  // threads along keys
const uint kPer = kThreads / kRows;       // threads of a row of the softmax
const float kUnseen = -3.402823466e38;

struct Tile {
  uint q_row, rows;  // its queries
  uint position;     // of the first in its text
  uint key_row;      // of the text's position 0
  uint keys;         // that the text has
};
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer Tiles { Tile at[]; };

layout(push_constant, std430) uniform Arguments {
  Floats q;     // heads side by side in a row
  uvec2 keys;  // their address; by address: where that stands
  uvec2 values;
  Outputs y;
  Tiles tiles;
  uint group_size;  // heads of queries that share one of keys
  uint dim, q_row, kv_row, y_row;
  uint behind, ahead;
  float scale;
  uint by_address;
} p;

shared vec4 queries[kRows * kStride];
shared vec4 block[kKeys * kStride];  // keys first, then values
shared vec4 scores[kKeys * kFours];  // [key][queries by fours]
shared vec4 factors[kFours];
shared float parts[kThreads];

void stage_queries(Tile tile) {
  for (uint i = gl_LocalInvocationIndex; i < kRows * kDim; i += kThreads) {
    const uint row = i / kDim, d = i % kDim;
    const bool there = row < tile.rows && d < p.dim;
    queries[row * kStride + d / 4][d % 4] =
        there ? p.q.at[(tile.q_row + row) * p.q_row + gl_WorkGroupID.y * p.dim + d] : 0.0;
  }
}

void stage(Floats from, Tile tile, uint first) {
  const uint head = gl_WorkGroupID.y / p.group_size * p.dim;
  for (uint i = gl_LocalInvocationIndex; i < kKeys * kDim; i += kThreads) {
    const uint key = first + i / kDim, d = i % kDim;
    const bool there = key < tile.keys && d < p.dim;
    block[i / kDim * kStride + d / 4][d % 4] = there ? from.at[(tile.key_row + key) * p.kv_row + head + d] : 0.0;
  }
}

void score(Tile tile, uint first) {
  const uint my_key = gl_LocalInvocationIndex % kAcross, my_row = gl_LocalInvocationIndex / kAcross * kScoreRows;
  float sums[kScores];
  for (uint i = 0; i < kScores; ++i) sums[i] = 0;
  for (uint v = 0; v < kVectors; ++v)
    for (uint j = 0; j < kScoreKeys; ++j) {
      const vec4 k = block[(my_key + j * kAcross) * kStride + v];
      for (uint r = 0; r < kScoreRows; ++r) {
        const vec4 q = queries[(my_row + r) * kStride + v];
        const uint s = r * kScoreKeys + j;
        sums[s] = fma(q.w, k.w, fma(q.z, k.z, fma(q.y, k.y, fma(q.x, k.x, sums[s]))));
      }
    }
  for (uint r = 0; r < kScoreRows; ++r)
    for (uint j = 0; j < kScoreKeys; ++j) {
      const uint row = my_row + r, in_block = my_key + j * kAcross, key = first + in_block;
      const uint position = tile.position + row;
      const bool seen = key < tile.keys && key + p.behind >= position && key <= position + p.ahead;
      scores[in_block * kFours + row / 4][row % 4] = seen ? sums[r * kScoreKeys + j] * p.scale : kUnseen;
    }
}

Floats found(uvec2 place) {
  if (p.by_address != 0) place = Addresses(place).at[0];
  return Floats(place);
}

void main() {
  const uint me = gl_LocalInvocationIndex, row = me / kPer, part = me % kPer;
  const uint vector = me % kVectors, four = me / kVectors;
  const Tile tile = p.tiles.at[gl_WorkGroupID.x];
  if (tile.rows == 0) return;  // of all threads of the workgroup
  const uint end = min(tile.keys, tile.position + tile.rows + p.ahead);
  const uint begin = tile.position > p.behind ? (tile.position - p.behind) / kKeys * kKeys : 0;
  float largest = kUnseen, sum = 0;
  vec4 o[4] = {vec4(0), vec4(0), vec4(0), vec4(0)};
  Floats keys = found(p.keys), values = found(p.values);
  stage_queries(tile);
  for (uint first = begin; first < end; first += kKeys) {
    barrier();
    stage(keys, tile, first);
    barrier();
    score(tile, first);
    barrier();
    stage(values, tile, first);
    float next = largest;
    for (uint j = part; j < kKeys; j += kPer) next = max(next, scores[j * kFours + row / 4][row % 4]);
    parts[me] = next;
    barrier();
    for (uint i = 0; i < kPer; ++i) next = max(next, parts[row * kPer + i]);
    const float factor = exp(largest - next);
    largest = next;
    sum *= factor;
    for (uint j = part; j < kKeys; j += kPer) {
      const float s = scores[j * kFours + row / 4][row % 4], weight = s == kUnseen ? 0.0 : exp(s - largest);
      scores[j * kFours + row / 4][row % 4] = weight;
      sum += weight;
    }
    if (part == 0) factors[row / 4][row % 4] = factor;
    barrier();
    for (uint r = 0; r < 4; ++r) o[r] *= factors[four][r];
    for (uint j = 0; j < kKeys; ++j) {
      const vec4 value = block[j * kStride + vector], weight = scores[j * kFours + four];
      for (uint r = 0; r < 4; ++r) o[r] = fma(vec4(weight[r]), value, o[r]);
    }
  }
  barrier();
  parts[me] = sum;
  barrier();
  for (uint r = 0; r < 4; ++r) {
    const uint mine = four * 4 + r;
    if (mine >= tile.rows) return;
    float total = parts[mine * kPer];
    for (uint i = 1; i < kPer; ++i) total += parts[mine * kPer + i];
    for (uint c = 0; c < 4; ++c)
      if (vector * 4 + c < p.dim)
        p.y.at[(tile.q_row + mine) * p.y_row + gl_WorkGroupID.y * p.dim + vector * 4 + c] = o[r][c] / total;
  }
}
