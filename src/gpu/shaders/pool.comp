#version 460
// From the vectors of a text's tokens to one of the text, without its first skip[text] tokens; a thread for an element,
// tokens ascending in one chain:
//   0 the first  1 the last  2 the largest  3 the mean  4 the sum / sqrt(count)  5 the mean weighted by places 1, 2, ...
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(push_constant, std430) uniform Arguments {
  Floats x;         // [tokens][width]
  Indices offsets;  // [texts + 1]
  Indices skip;     // [texts], where steps has 1
  Outputs y;
  uint tokens, width, y_row, mode, steps, unused;
} p;

void main() {
  const uint i = gl_WorkGroupID.x * gl_WorkGroupSize.x + gl_LocalInvocationIndex, text = gl_WorkGroupID.y;
  if (i >= p.width) return;
  const uint skip = (p.steps & 1) != 0 ? p.skip.at[text] : 0;
  const uint begin = p.offsets.at[text] + skip, end = min(p.offsets.at[text + 1], p.tokens);
  if (begin >= end) return;
  const float count = float(end - begin);
  float v = p.mode == 1 ? p.x.at[(end - 1) * p.width + i] : p.mode == 5 ? 0 : p.x.at[begin * p.width + i];
  if (p.mode == 2)
    for (uint t = begin + 1; t < end; ++t) v = max(v, p.x.at[t * p.width + i]);
  if (p.mode == 3 || p.mode == 4)
    for (uint t = begin + 1; t < end; ++t) v += p.x.at[t * p.width + i];
  if (p.mode == 5)
    for (uint t = begin; t < end; ++t) v = fma(float(skip + t - begin + 1), p.x.at[t * p.width + i], v);
  if (p.mode == 3) v /= count;
  if (p.mode == 4) v *= inversesqrt(count);
  if (p.mode == 5) v *= 2.0 / (count * (count + float(2 * skip + 1)));
  p.y.at[text * p.y_row + i] = v;
}
