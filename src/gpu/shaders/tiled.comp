#version 460
// For many rows: a workgroup has kTileM rows and kTileN columns of y. 32 k of both sides come into shared memory at a
// time, weights as f32, and each thread has a rectangle of kEachM x kEachN sums, a chain over k each.
#extension GL_GOOGLE_include_directive : require
#define PANELS
#include "product.glsl"
#include "epilogue.glsl"

layout(constant_id = 3) const uint kTileM = 64;
layout(constant_id = 4) const uint kTileN = 64;
layout(constant_id = 5) const uint kEachM = 4;
layout(constant_id = 6) const uint kEachN = 4;
const uint kThreads = gl_WorkGroupSize.x;
const uint kDeep = 32;
const uint kThreadsN = kTileN / kEachN;

shared float xs[kDeep * kTileM];
shared float ws[kHalves * kDeep * kTileN];

void stage_x(uint row0, uint k0) {
  for (uint i = gl_LocalInvocationIndex; i < kTileM * kDeep / 4; i += kThreads) {
    const uint row = i % kTileM, vector = i / kTileM;
    const vec4 v = row0 + row < p.m ? x_at(row0 + row, k0 / 4 + vector) : vec4(0);
    for (uint c = 0; c < 4; ++c) xs[(vector * 4 + c) * kTileM + row] = v[c];
  }
}

void put(uint at, uint k, vec4 w) {
  for (uint c = 0; c < 4; ++c) ws[at + (k + c) * kTileN] = w[c];
}

void stage_w(uint column0, uint k0) {
  const uint units = kDeep / (4 * kUnit4);
  for (uint i = gl_LocalInvocationIndex; i < kHalves * kTileN * units; i += kThreads) {
    const uint column = i % kTileN, half_number = i / kTileN % kHalves, u = i / (kTileN * kHalves);
    const uint source = min(column0 + column, p.n - 1) + half_number * p.n, unit = k0 / (4 * kUnit4) + u;
    const bool there = unit < p.units;
    for (uint v = 0; v < kUnit4; ++v)
      put(half_number * kDeep * kTileN + column, (u * kUnit4 + v) * 4,
          there ? four_of(unit_at(source, unit), scale_at(source, unit), v) : vec4(0));
  }
}

void main() {
  const uint row0 = gl_WorkGroupID.y * kTileM, column0 = gl_WorkGroupID.x * kTileN;
  const uint my_row = gl_LocalInvocationIndex / kThreadsN * kEachM, my_column = gl_LocalInvocationIndex % kThreadsN;
  float sums[kHalves * kEachM * kEachN];
  for (uint i = 0; i < kHalves * kEachM * kEachN; ++i) sums[i] = 0;
  for (uint k0 = 0; k0 < p.k; k0 += kDeep) {
    barrier();
    stage_x(row0, k0);
    stage_w(column0, k0);
    barrier();
    for (uint k = 0; k < kDeep; ++k)
      for (uint h = 0; h < kHalves; ++h)
        for (uint j = 0; j < kEachN; ++j) {
          const float w = ws[(h * kDeep + k) * kTileN + my_column + j * kThreadsN];
          for (uint i = 0; i < kEachM; ++i) {
            const uint s = (h * kEachM + i) * kEachN + j;
            sums[s] = fma(w, xs[k * kTileM + my_row + i], sums[s]);
          }
        }
  }
  for (uint i = 0; i < kEachM; ++i)
    for (uint j = 0; j < kEachN; ++j) {
      const uint row = row0 + my_row + i, column = column0 + my_column + j * kThreadsN;
      if (row < p.m && column < p.n)
        write_output(row, column, sums[i * kEachN + j], sums[(kGated * kEachM + i) * kEachN + j]);
    }
}
