// What every product shares: its arguments, its weights, its activations as vectors of four.
//
//   constant_id 0  threads of a workgroup          1  type of the weights (weights.glsl)
//               2  1: gated, W has 2n columns, gates first             3 ...  the shader's own geometry
#include "types.glsl"

layout(constant_id = 2) const uint kGated = 0;
const uint kHalves = kGated + 1;  // sums that an output takes

layout(push_constant, std430) uniform Arguments {
  Units w;
  Scales scale;      // q8_0, q4_0
  Vectors x;         // m rows
  Outputs y;         // m rows, n columns
  Floats bias;       // n; gated: 2n
  Floats residual;   // m rows, n columns; may be y
  uint m, n, k;
  uint units;        // of a column: k in whole units, quantised in whole blocks
  uint scales;       // of a column, in halves; an even number
  uint x_vectors;    // from a row of x to the next, in vectors of four
  uint y_row, residual_row;
  float alpha, beta;
  uint steps;        // 1 bias, 2 residual, 4 beta
  uint activation;
} p;

#ifdef PANELS
const bool kInPanels = true;
#else
const bool kInPanels = false;
#endif
#include "weights.glsl"

// Vector i of a row of x. What lies beyond k is not looked at: rows of x are whole vectors, their rest is anything.
vec4 x_at(uint row, uint i) {
  const uint k = 4 * i;
  if (k >= p.k) return vec4(0);
  const vec4 v = p.x.at[row * p.x_vectors + i];
  return mix(vec4(0), v, lessThan(k + uvec4(0, 1, 2, 3), uvec4(p.k)));
}

float dot4(float sum, vec4 w, vec4 x) {
  return fma(w.w, x.w, fma(w.z, x.z, fma(w.y, x.y, fma(w.x, x.x, sum))));
}

// sum + the products of a unit with its activations, x[0 .. kUnit4). Quantised: their codes' products are summed from 0
// first, in f32, and come in with one multiplication by the scale.
float unit_product(float sum, uvec4 unit, float scale, vec4 x[kUnit4]) {
  if (kType == 0) return dot4(sum, uintBitsToFloat(unit), x[0]);
  if (kType == 1) {
    sum = dot4(sum, vec4(unpackHalf2x16(unit.x), unpackHalf2x16(unit.y)), x[0]);
    return dot4(sum, vec4(unpackHalf2x16(unit.z), unpackHalf2x16(unit.w)), x[1 % kUnit4]);
  }
  float codes = 0;
  for (uint c = 0; c < 4; ++c) {
    if (kType == 2) codes = dot4(codes, bytes_of(unit[c]), x[c % kUnit4]);
    if (kType == 3) {
      codes = dot4(codes, nibbles_of(unit[c]), x[c % kUnit4]);
      codes = dot4(codes, nibbles_of(unit[c] >> 4), x[(c + 4) % kUnit4]);
    }
  }
  return fma(codes, scale, sum);
}
