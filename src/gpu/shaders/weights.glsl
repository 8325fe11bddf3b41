// Weights as units of 16 bytes, out of p.w, p.scale, p.units and p.scales; kInPanels says how they lie.
//
// A unit holds 4, 8, 16, 32 weights of a column (f32, f16, q8_0, q4_0), k ascending but in q4_0, whose bytes are those
// of ggml's blocks: word c has k = 4c .. 4c+3 in its low nibbles and k = 16+4c .. in its high ones.
layout(constant_id = 1) const uint kType = 0;  // 0 f32, 1 f16, 2 q8_0, 3 q4_0

const uint kUnit4 = 1u << kType;  // vectors of four k that a unit holds
const uint kPanel = 32;           // columns of a panel, where weights lie in panels
const uint kUnitsOfBlock = kType == 2u ? 2u : 1u;

float half_of(uint index) { return unpackHalf2x16(p.scale.pair[index >> 1])[index & 1]; }

// Where a unit of a column lies. Rows: column by column. Panels: 32 columns side by side, unit by unit, so that
// neighbouring threads read neighbouring bytes.
uint place_of(uint column, uint i, uint count) {
  return kInPanels ? (column / kPanel * count + i) * kPanel + column % kPanel : column * count + i;
}
uvec4 unit_at(uint column, uint unit) { return p.w.at[place_of(column, unit, p.units)]; }
float scale_at(uint column, uint unit) {
  return kType < 2 ? 1.0 : half_of(place_of(column, unit / kUnitsOfBlock, p.scales));
}

vec4 bytes_of(uint word) { return vec4(bitfieldExtract(ivec4(int(word)) >> ivec4(0, 8, 16, 24), 0, 8)); }
vec4 nibbles_of(uint word) { return vec4((uvec4(word) >> uvec4(0, 8, 16, 24)) & 15u) - 8.0; }

// Vector i of a unit's weights: f16 exactly, scale times code exactly too (11 bits of the one and 8 of the other).
vec4 four_of(uvec4 unit, float scale, uint i) {
  if (kType == 0) return uintBitsToFloat(unit);
  if (kType == 1) return vec4(unpackHalf2x16(unit[2 * i]), unpackHalf2x16(unit[2 * i + 1]));
  if (kType == 2) return bytes_of(unit[i]) * scale;
  return nibbles_of(i < 4 ? unit[i] : unit[i - 4] >> 4) * scale;
}
