// What every product shares: its arguments, its weights as units of 16 bytes, its activations as vectors of four.
//
//   constant_id 0  threads of a workgroup          1  type of the weights: 0 f32, 1 f16, 2 q8_0, 3 q4_0
//               2  1: gated, W has 2n columns, gates first             3 ...  the shader's own geometry
//
// A unit holds 4, 8, 16, 32 weights of a column (f32, f16, q8_0, q4_0), k ascending but in q4_0, whose bytes are those
// of ggml's blocks: word c has k = 4c .. 4c+3 in its low nibbles and k = 16+4c .. in its high ones.
#extension GL_EXT_buffer_reference : require

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint kType = 0;
layout(constant_id = 2) const uint kGated = 0;

const uint kUnit4 = 1u << kType;     // vectors of four activations that a unit is multiplied by
const uint kHalves = kGated + 1;     // sums that an output takes
const uint kPanel = 32;              // columns of a panel, where weights lie in panels
const uint kUnitsOfBlock = kType == 2u ? 2u : 1u;

layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer Units { uvec4 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer Scales { uint pair[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer Vectors { vec4 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer Floats { float at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Outputs { float at[]; };

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

uint group() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }

// Vector i of a row of x. What lies beyond k is not looked at: rows of x are whole vectors, their rest is anything.
vec4 x_at(uint row, uint i) {
  const uint k = 4 * i;
  if (k >= p.k) return vec4(0);
  const vec4 v = p.x.at[row * p.x_vectors + i];
  return mix(vec4(0), v, lessThan(k + uvec4(0, 1, 2, 3), uvec4(p.k)));
}

float half_of(uint index) { return unpackHalf2x16(p.scale.pair[index >> 1])[index & 1]; }

// Where a unit of a column lies. Rows: column by column. Panels: 32 columns side by side, unit by unit, so that
// neighbouring threads read neighbouring bytes.
#ifdef PANELS
uvec4 unit_at(uint column, uint unit) {
  return p.w.at[(column / kPanel * p.units + unit) * kPanel + column % kPanel];
}
float scale_at(uint column, uint unit) {
  return kType < 2 ? 1.0 : half_of((column / kPanel * p.scales + unit / kUnitsOfBlock) * kPanel + column % kPanel);
}
#else
uvec4 unit_at(uint column, uint unit) { return p.w.at[column * p.units + unit]; }
float scale_at(uint column, uint unit) {
  return kType < 2 ? 1.0 : half_of(column * p.scales + unit / kUnitsOfBlock);
}
#endif

float dot4(float sum, vec4 w, vec4 x) {
  return fma(w.w, x.w, fma(w.z, x.z, fma(w.y, x.y, fma(w.x, x.x, sum))));
}
vec4 bytes_of(uint word) { return vec4(bitfieldExtract(ivec4(int(word)) >> ivec4(0, 8, 16, 24), 0, 8)); }
vec4 nibbles_of(uint word) { return vec4((uvec4(word) >> uvec4(0, 8, 16, 24)) & 15u) - 8.0; }

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
