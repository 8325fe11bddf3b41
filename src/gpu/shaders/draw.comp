#version 460
// Of each text, a workgroup: its token is drawn from its row of x, as sample::Sampler draws; with the same x, settings
// and random number it is the same token.
//
//   the ids of the top_k largest x, none of them more than `reach` below the largest, in their order
//   e = exp((x - largest) * scale); their sum runs over 16 lanes, element j in lane j mod 16, then one tree
//   p = e / sum, weighed in units of 2^-40, rounded down
//   of these the fewest largest that weigh `share` of all (of 2^64; 0: all), and of these p >= min_p * largest
//   the first at which the sum of weights exceeds random / 2^64 of all that are left
//
// n, which is none, where one of x is no finite number. Its position moves on by one.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"
#include "exact.glsl"

struct Settings {  // gpu::DrawSettings
  uvec2 share;
  float scale, reach, min_p;
  uint top_k;
  float over_one;
  uint unused;
};
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer AllSettings { Settings at[]; };
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer Random { uvec2 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Tokens { uint at[]; };
// Written by one thread and read by another.
layout(buffer_reference, std430, buffer_reference_align = 4) coherent buffer Candidates { uint at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) coherent buffer Exponentials { float at[]; };

layout(push_constant, std430) uniform Arguments {
  Floats x;
  Tokens ids;
  Tokens positions;
  AllSettings settings;   // [texts]
  Random random;          // [texts]
  Candidates candidates;  // [texts][n], their ids
  Exponentials e;         // [texts][n], theirs
  uint n, x_row;
} p;

const uint kInfinity = 0x7f800000u, kSign = 0x80000000u;

uint text, row, base;  // of the text, its logits, its candidates
Settings settings;
uint count;       // elements: all tokens, then the candidates
bool are_chosen;  // the latter
uint floor_key;   // of tokens: none below it counts
float factor;     // of candidates: 1 / sum

// Floats as integers of the same order; -0 as 0.
uint order_key(float x) {
  const uint bits = floatBitsToUint(x);
  return bits == kSign ? kSign : bits ^ ((bits & kSign) != 0 ? 0xffffffffu : kSign);
}
float value_of(uint key) { return uintBitsToFloat(key ^ ((key & kSign) != 0 ? kSign : 0xffffffffu)); }

uint key_of(uint i) {
  if (!are_chosen) return order_key(p.x.at[row + i]);
  precise const float probability = p.e.at[base + i] * factor;
  return floatBitsToUint(probability);
}

uvec2 weight_of(uint key) {
  if (!are_chosen) return uvec2(key >= floor_key ? 1 : 0, 0);
  const uint digits = (key & 0x7fffffu) | 0x800000u;
  const int shift = int(key >> 23) - 127 - 23 + 40;  // 17 at most, of 1
  if (shift <= 0) return uvec2(shift > -24 ? digits >> -shift : 0, 0);
  return uvec2(digits << shift, digits >> (32 - shift));
}

#include "ranking.glsl"

void finish(uint token) {
  if (gl_LocalInvocationIndex != 0) return;
  p.ids.at[text] = token;
  ++p.positions.at[text];
}

// The key of the largest; 0 where one is no finite number.
uint largest_key() {
  const uint me = gl_LocalInvocationIndex;
  if (me == 0) bins[0] = 0, bins[1] = 0;
  barrier();
  uint most = 0, wrong = 0;
  for (uint i = me; i < p.n; i += gl_WorkGroupSize.x) {
    const float x = p.x.at[row + i];
    if ((floatBitsToUint(x) & kInfinity) == kInfinity) wrong = 1;
    most = max(most, order_key(x));
  }
  atomicMax(bins[0], most);
  if (wrong != 0) atomicOr(bins[1], 1);
  barrier();
  return bins[1] != 0 ? 0 : bins[0];
}

// Those that are kept become the candidates.
void gather(float most) {
  const uint me = gl_LocalInvocationIndex;
  uint written = 0;
  for (uint first = 0; first < count; first += gl_WorkGroupSize.x * kEach) {
    const uint begin = first + me * kEach;
    uint held = 0;
    for (uint i = begin; i < min(begin + kEach, count); ++i) held += keeps(key_of(i), i) ? 1 : 0;
    uint to = written + scan(uvec2(held, 0)).x - held;
    for (uint i = begin; i < min(begin + kEach, count) && held > 0; ++i) {
      const uint key = key_of(i);
      if (!keeps(key, i)) continue;
      precise const float below_most = value_of(key) - most;
      precise const float scaled = below_most * settings.scale;
      p.candidates.at[base + to] = i;
      p.e.at[base + to++] = exact_exp(scaled);
    }
    written += sums[gl_WorkGroupSize.x - 1].x;
  }
  memoryBarrierBuffer();
  barrier();
  count = written;
  are_chosen = true;
}

float sum_of_exponentials() {
  const uint me = gl_LocalInvocationIndex;
  precise float lane = 0;
  for (uint first = 0; first < count; first += kBins) {
    const uint held = min(kBins, count - first);
    barrier();
    for (uint i = me; i < held; i += gl_WorkGroupSize.x) bins[i] = floatBitsToUint(p.e.at[base + first + i]);
    barrier();
    for (uint i = me; i < held && me < 16; i += 16) lane += uintBitsToFloat(bins[i]);
  }
  barrier();
  bins[me] = floatBitsToUint(lane);
  for (uint width = 8; width > 0; width /= 2) {
    barrier();
    precise const float sum = uintBitsToFloat(bins[me]) + uintBitsToFloat(bins[me + width]);
    barrier();
    if (me < width) bins[me] = floatBitsToUint(sum);
  }
  barrier();
  return uintBitsToFloat(bins[0]);
}

void main() {
  text = gl_WorkGroupID.x;
  row = text * p.x_row, base = text * p.n;
  settings = p.settings.at[text];
  find_fma(settings.over_one);
  const uint most_key = largest_key();
  if (most_key == 0) {
    finish(p.n);
    return;
  }
  const float most = value_of(most_key);
  precise const float least = most - settings.reach;
  count = p.n;
  are_chosen = false;
  floor_key = order_key(least);
  cut = Cut(floor_key, count);
  const uint top_k = settings.top_k;
  uint at;
  if (top_k > 0 && top_k < count && top_k < walk(kAll, kNoTarget, at).x) cut_at(uvec2(top_k, 0));
  gather(most);

  factor = exact_reciprocal(sum_of_exponentials());
  cut = Cut(0, count);
  if (settings.share != uvec2(0)) {
    const uvec2 share = share_of(settings.share, walk(kAll, kNoTarget, at));
    cut_at(share == uvec2(0) ? uvec2(1, 0) : share);
  }
  precise const float least_probability = settings.min_p * factor;
  if (floatBitsToUint(least_probability) > cut.least) cut = Cut(floatBitsToUint(least_probability), count);
  const uvec2 all = walk(kKept, kNoTarget, at);
  walk(kKept, share_of(p.random.at[text], all), at);
  finish(p.candidates.at[base + at]);
}
