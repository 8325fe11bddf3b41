#version 460
// For many rows, on a device's matrix units: f16 times f16, sums in f32. A workgroup has kTileM rows and kTileN columns
// of y, each of its subgroups a rectangle of kRectM x kRectN of them. 32 k of both sides come into shared memory at a
// time as f16: x is rounded, and so is what q8_0 and q4_0 stand for. An output is one chain over k in steps of kK; the
// order within a step is the device's.
//
// f16 has few exponents. Rows of x whose largest magnitude is within 2^-8 .. 2^15 are rounded as they are. Where a tile
// has others, it is computed a second time, with those rows scaled by a power of two to 1 .. 2: that is exact, and a
// row's result knows nothing of the rows beside it.
//
// Written in the words of GL_NV_cooperative_matrix, which glslc has had since 2019; tools/khr_matrices.cc makes the
// instructions those of SPV_KHR_cooperative_matrix, which devices of every vendor run.
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_NV_cooperative_matrix : require
#define PANELS
#include "product.glsl"
#include "epilogue.glsl"

layout(constant_id = 3) const uint kTileM = 64;
layout(constant_id = 4) const uint kTileN = 64;
layout(constant_id = 5) const uint kRectM = 32;
layout(constant_id = 6) const uint kRectN = 32;
layout(constant_id = 7) const uint kM = 16;  // of a matrix
layout(constant_id = 8) const uint kN = 16;
layout(constant_id = 9) const uint kK = 16;
const uint kThreads = gl_WorkGroupSize.x;
const uint kDeep4 = 8;           // vectors of four k that are staged
const uint kRow = kDeep4 + 2;    // vectors from row to row there: neighbours begin in other banks
const uint kAlongM = kRectM / kM, kAlongN = kRectN / kN;
const uint kRectsN = kTileN / kRectN;
const uint kSubgroups = kTileM / kRectM * kRectsN;
const uint kStagings = kTileM * kDeep4 / kThreads;  // vectors of x that a thread stages: of the same rows each time
const uint kLeast = (127u - 8u) << 23, kMost = (127u + 15u) << 23;

shared uvec2 xs[kTileM * kRow];
shared uvec2 ws[kHalves * kTileN * kRow];
shared float ys[kSubgroups * kHalves * kM * kN];
shared uint largest[kTileM];  // magnitude in a row of x, as bits
shared float scales[kTileM];  // of rows of x
shared uint outliers;         // rows that f16 is too narrow for

fcoopmatNV<32, gl_ScopeSubgroup, kM, kN> sums[kHalves * kAlongM * kAlongN];
uint tops[kStagings];

// To the nearest, where packHalf2x16 truncates on some devices.
uvec2 halves_of(vec4 v) { return uvec2(packFloat2x16(f16vec2(v.xy)), packFloat2x16(f16vec2(v.zw))); }

void stage_x(uint row0, uint k0) {
  [[unroll]] for (uint i = 0; i < kStagings; ++i) {
    const uint at = gl_LocalInvocationIndex + i * kThreads, row = at / kDeep4, vector = at % kDeep4;
    const vec4 v = row0 + row < p.m ? x_at(row0 + row, k0 / 4 + vector) : vec4(0);
    const uvec4 bits = floatBitsToUint(v) & 0x7fffffffu;
    tops[i] = max(tops[i], max(max(bits.x, bits.y), max(bits.z, bits.w)));
    xs[row * kRow + vector] = halves_of(v * scales[row]);
  }
}

void stage_w(uint column0, uint k0) {
  const uint units = kDeep4 / kUnit4;
  for (uint i = gl_LocalInvocationIndex; i < kHalves * kTileN * units; i += kThreads) {
    const uint column = i % kTileN, half_number = i / kTileN % kHalves, u = i / (kTileN * kHalves);
    const uint source = min(column0 + column, p.n - 1) + half_number * p.n, unit = k0 / (4 * kUnit4) + u;
    const bool there = unit < p.units;
    const uvec4 words = there ? unit_at(source, unit) : uvec4(0);
    const float scale = there ? scale_at(source, unit) : 0.0;
    for (uint v = 0; v < kUnit4; ++v)
      ws[(half_number * kTileN + column) * kRow + u * kUnit4 + v] = halves_of(four_of(words, scale, v));
  }
}

void multiply(uint row, uint column) {
  fcoopmatNV<16, gl_ScopeSubgroup, kM, kK> a[kAlongM];
  fcoopmatNV<16, gl_ScopeSubgroup, kK, kN> b;
  for (uint k = 0; k < kDeep4; k += kK / 4) {
    [[unroll]] for (uint i = 0; i < kAlongM; ++i) coopMatLoadNV(a[i], xs, (row + i * kM) * kRow + k, kRow, false);
    [[unroll]] for (uint h = 0; h < kHalves; ++h)
      [[unroll]] for (uint j = 0; j < kAlongN; ++j) {
        coopMatLoadNV(b, ws, (h * kTileN + column + j * kN) * kRow + k, kRow, true);
        [[unroll]] for (uint i = 0; i < kAlongM; ++i) {
          const uint s = (h * kAlongM + i) * kAlongN + j;
          sums[s] = coopMatMulAddNV(a[i], b, sums[s]);
        }
      }
  }
}

void product(uint row0, uint column0, uint row, uint column) {
  [[unroll]] for (uint s = 0; s < kHalves * kAlongM * kAlongN; ++s)
    sums[s] = fcoopmatNV<32, gl_ScopeSubgroup, kM, kN>(0.0);
  for (uint k0 = 0; k0 < p.k; k0 += 4 * kDeep4) {
    barrier();
    stage_x(row0, k0);
    stage_w(column0, k0);
    barrier();
    multiply(row, column);
  }
}

// Zeros, infinities and NaN are what they are in f16 too.
bool is_outlier(uint bits) { return bits != 0 && bits < 0x7f800000u && (bits < kLeast || bits > kMost); }
uint exponent_of(uint bits) { return clamp(bits >> 23, 1u, 253u); }

void find_outliers() {
  for (uint i = 0; i < kStagings; ++i) atomicMax(largest[(gl_LocalInvocationIndex + i * kThreads) / kDeep4], tops[i]);
  barrier();
  for (uint row = gl_LocalInvocationIndex; row < kTileM; row += kThreads)
    if (is_outlier(largest[row])) {
      scales[row] = uintBitsToFloat((254u - exponent_of(largest[row])) << 23);
      atomicMax(outliers, 1);
    }
  barrier();
}

float unscaled(float sum, uint row) {
  return is_outlier(largest[row]) ? sum * uintBitsToFloat(exponent_of(largest[row]) << 23) : sum;
}

void write(uint row0, uint column0, uint row, uint column) {
  const uint mine = gl_SubgroupID * kHalves * kM * kN;
  [[unroll]] for (uint i = 0; i < kAlongM; ++i)
    [[unroll]] for (uint j = 0; j < kAlongN; ++j) {
      barrier();
      [[unroll]] for (uint h = 0; h < kHalves; ++h)
        coopMatStoreNV(sums[(h * kAlongM + i) * kAlongN + j], ys, mine + h * kM * kN, kN, false);
      barrier();
      for (uint at = gl_SubgroupInvocationID; at < kM * kN; at += gl_SubgroupSize) {
        const uint y_row = row + i * kM + at / kN, y_column = column0 + column + j * kN + at % kN;
        if (row0 + y_row < p.m && y_column < p.n)
          write_output(row0 + y_row, y_column, unscaled(ys[mine + at], y_row),
                       unscaled(ys[mine + kGated * kM * kN + at], y_row));
      }
    }
}

void main() {
  const uint row0 = gl_WorkGroupID.y * kTileM, column0 = gl_WorkGroupID.x * kTileN;
  const uint row = gl_SubgroupID / kRectsN * kRectM, column = gl_SubgroupID % kRectsN * kRectN;
  for (uint i = gl_LocalInvocationIndex; i < kTileM; i += kThreads) largest[i] = 0, scales[i] = 1;
  if (gl_LocalInvocationIndex == 0) outliers = 0;
  [[unroll]] for (uint i = 0; i < kStagings; ++i) tops[i] = 0;
  product(row0, column0, row, column);
  find_outliers();
  if (outliers != 0) product(row0, column0, row, column);
  write(row0, column0, row, column);
}
