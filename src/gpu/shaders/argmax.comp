#version 460
// Of each text, a workgroup: its token becomes the index of the largest of its row of x, the first of equals; n, which is
// none, where one of x is no finite number. Its position moves on by one.
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"

layout(push_constant, std430) uniform Arguments {
  Floats x;
  Words ids;
  Words positions;
  uint n, x_row;
} p;

const uint kInfinity = 0x7f800000u;

shared float values[gl_WorkGroupSize.x];
shared uint indices[gl_WorkGroupSize.x];

bool before(float a, uint i, float b, uint j) { return a > b || (a == b && i < j); }

void main() {
  const uint me = gl_LocalInvocationIndex, text = gl_WorkGroupID.x;
  float best = uintBitsToFloat(0xff800000u);
  uint index = p.n;
  for (uint i = me; i < p.n; i += gl_WorkGroupSize.x) {
    const float v = p.x.at[text * p.x_row + i];
    if ((floatBitsToUint(v) & kInfinity) == kInfinity)  // or NaN, before which nothing comes then
      best = uintBitsToFloat(kInfinity), index = p.n;
    else if (before(v, i, best, index))
      best = v, index = i;
  }
  values[me] = best;
  indices[me] = index;
  for (uint half_way = gl_WorkGroupSize.x / 2; half_way > 0; half_way /= 2) {
    barrier();
    if (me < half_way && before(values[me + half_way], indices[me + half_way], values[me], indices[me])) {
      values[me] = values[me + half_way];
      indices[me] = indices[me + half_way];
    }
  }
  if (me != 0) return;
  p.ids.at[text] = indices[0];
  ++p.positions.at[text];
}
