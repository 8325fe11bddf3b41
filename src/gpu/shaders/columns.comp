#version 460
// A thread has a column, or several; lanes lie along n, and a column's weights are read in one stream. Activations are
// staged in shared memory, a chunk at a time. More threads than columns: the units of a chunk are dealt out to slices of
// threads, whose sums are added in ascending order. Up to kRows rows of x take part, each weight being read once.
#extension GL_GOOGLE_include_directive : require
#define PANELS
#include "product.glsl"
#include "epilogue.glsl"

layout(constant_id = 3) const uint kColumns = 64;  // of a workgroup
layout(constant_id = 4) const uint kRows = 1;
layout(constant_id = 5) const uint kChunk = 32;    // units of a chunk
const uint kThreads = gl_WorkGroupSize.x;
const uint kSlices = kThreads > kColumns ? kThreads / kColumns : 1;
const uint kEach = kColumns > kThreads ? kColumns / kThreads : 1;  // columns of a thread
const uint kSums = kEach * kHalves * kRows;

shared vec4 staged[kRows * kChunk * kUnit4];
shared float parts[kSlices > 1 ? kThreads : 1];

void stage(uint first_unit) {
  const uint chunk4 = kChunk * kUnit4;
  for (uint i = gl_LocalInvocationIndex; i < kRows * chunk4; i += kThreads) {
    const uint row = i / chunk4;
    staged[i] = row < p.m ? x_at(row, first_unit * kUnit4 + i % chunk4) : vec4(0);
  }
}

// The sum over the slices, in every thread of the first.
float over_slices(float sum) {
  if (kSlices == 1) return sum;
  barrier();
  parts[gl_LocalInvocationIndex] = sum;
  barrier();
  float total = sum;
  if (gl_LocalInvocationIndex < kColumns)
    for (uint s = 1; s < kSlices; ++s) total += parts[gl_LocalInvocationIndex + s * kColumns];
  return total;
}

void main() {
  const uint tile = group() * kColumns;
  if (tile >= p.n) return;  // of all threads of the workgroup
  const uint lane = gl_LocalInvocationIndex % kColumns, slice = gl_LocalInvocationIndex / kColumns % kSlices;
  float sums[kSums];
  for (uint i = 0; i < kSums; ++i) sums[i] = 0;
  for (uint first = 0; first < p.units; first += kChunk) {
    barrier();
    stage(first);
    barrier();
    const uint count = min(kChunk, p.units - first);
    for (uint u = slice; u < count; u += kSlices)
      for (uint row = 0; row < kRows; ++row) {
        vec4 x[kUnit4];
        for (uint i = 0; i < kUnit4; ++i) x[i] = staged[(row * kChunk + u) * kUnit4 + i];
        for (uint e = 0; e < kEach; ++e)
          for (uint h = 0; h < kHalves; ++h) {
            const uint column = min(tile + lane + e * kThreads, p.n - 1) + h * p.n;
            const uint s = (row * kEach + e) * kHalves + h;
            sums[s] = unit_product(sums[s], unit_at(column, first + u), scale_at(column, first + u), x);
          }
      }
  }
  for (uint row = 0; row < kRows; ++row)
    for (uint e = 0; e < kEach; ++e) {
      const uint s = (row * kEach + e) * kHalves, column = tile + lane + e * kThreads;
      const float sum = over_slices(sums[s]), up = kGated != 0 ? over_slices(sums[s + kGated]) : 0;
      if (slice == 0 && column < p.n && row < p.m) write_output(row, column, sum, up);
    }
}
