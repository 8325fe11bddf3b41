#version 460
// For products so small that starting them is most of their time: a thread has a column, nothing is staged and nobody
// waits for anybody.
#extension GL_GOOGLE_include_directive : require
#define PANELS
#include "product.glsl"
#include "epilogue.glsl"

void main() {
  const uint column = group() * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
  if (column >= p.n) return;
  float sums[kHalves];
  for (uint h = 0; h < kHalves; ++h) sums[h] = 0;
  for (uint unit = 0; unit < p.units; ++unit) {
    vec4 x[kUnit4];
    for (uint i = 0; i < kUnit4; ++i) x[i] = x_at(0, unit * kUnit4 + i);
    for (uint h = 0; h < kHalves; ++h)
      sums[h] = unit_product(sums[h], unit_at(column + h * p.n, unit), scale_at(column + h * p.n, unit), x);
  }
  write_output(0, column, sums[0], sums[kGated]);
}
