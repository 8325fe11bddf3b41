// The contract of the rotary position embedding: pairs of a head's elements are rotated by an angle that grows with the
// token's position.
//
//   for each token t, head h and pair i < rotary / 2, with p = positions[t] - first_position,
//   c = cos[p * rotary/2 + i], s = sin[p * rotary/2 + i], and a, b the two elements of the pair:
//
//     y_a = fma(a, c, -(b * s))      y_b = fma(b, c, a * s)      each product b*s, a*s rounded once
//
//   Pairing::interleaved  a = x[2i], b = x[2i + 1]            (GPT-J, Llama as published by Meta, GGUF "norm")
//   Pairing::halves       a = x[i],  b = x[i + rotary/2]      (GPT-NeoX, Hugging Face Llama, GGUF "neox")
//
// Elements rotary .. head_dim - 1 of a head are copied as they are. tokens, heads >= 0; rotary is even,
// 0 <= rotary <= head_dim; every position lies in the table. Every element is independent, so all rows of the table
// have the same bits. y may be x itself (same pointer and strides); any other overlap is not allowed. No alignment is
// needed, nothing else is touched, nothing is allocated.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "platform/cpu.h"

namespace lathe::rope {

enum class Pairing : uint8_t { interleaved, halves };
std::string_view pairing_name(Pairing pairing);

// Strides are in elements.
struct Args {
  int64_t tokens, heads, head_dim, rotary;
  Pairing pairing;
  const float* x;
  int64_t x_token, x_head;
  float* y;
  int64_t y_token, y_head;
  const int32_t* positions;  // [tokens]
  const float* cos;          // [positions of the table][rotary / 2], as build_table writes them
  const float* sin;
  int32_t first_position = 0;  // of the table
};

struct Variant {
  const char* name;  // rope.isa
  Isa isa;
  void (*run)(const Args&) noexcept;
};

// Every variant compiled into this build, best first; all give the same bits.
std::span<const Variant* const> variants();
const Variant* find(std::string_view name);
const Variant& best(FeatureSet features);

// The rows, each defined in the file of its instruction set.
extern const Variant table_scalar, table_avx2, table_neon, table_avx512;

// angle[p,i] = (first_position + p) / position_scale * base^(-2i / rotary) / frequency_factors[i]
//
// in float64, as are cosine and sine; then * magnitude and one rounding to f32. Written for 0 <= p < count and
// 0 <= i < rotary / 2 to cos[p * rotary/2 + i] and sin[...].
struct TableArgs {
  int64_t first_position = 0, count;
  int64_t rotary;
  double base = 10000.0;
  double position_scale = 1.0;               // linear scaling: 2 stretches the context to twice its length
  const float* frequency_factors = nullptr;  // [rotary / 2] (Llama 3.1 and later)
  double magnitude = 1.0;                    // YaRN's attention factor
};
void build_table(const TableArgs& args, float* cos, float* sin) noexcept;

}  // namespace lathe::rope
