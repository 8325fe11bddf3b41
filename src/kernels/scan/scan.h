// The contract of the scan kernels: the dot products of one query with many stored vectors, rows of dim >= 1 elements,
// dense, vectors >= 0.
//
//   f32    s[i] = sum over k of query[k] * x[i,k]
//   bf16   the same, x widened exactly
//   s8     s[i] = float(sum over k of levels[k] * x[i,k]) * (scale[i] * level_scale), dim <= kMostRowDim,
//          |levels[k]| <= query_limit(dim) of quant/row_integers.h
//
// ORDER OF ADDITION. f32 and bf16: sixteen virtual lanes, element k in lane k mod 16, k ascending, one fused
// multiply-add each, from +0, then one tree (kernels/common/lanes16.inl.h); the lanes that the last element leaves over
// do fma(0, 0, s). s8: the integer sum is exact, then three roundings in the order written. So a score has the same
// bits on every instruction set, and whichever vectors stand beside it in a call. NaN and infinity flow through.
//
// No alignment beyond that of the elements is needed, nothing outside the operands is touched, nothing is allocated.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "platform/cpu.h"

namespace lathe::scan {

struct Args {
  int64_t vectors, dim;
  const void* data;                 // [vectors, dim]: f32, the bits of bf16, or s8
  const float* query = nullptr;     // f32, bf16: [dim]
  const int16_t* levels = nullptr;  // s8: [dim]
  float level_scale = 0;
  const float* scale = nullptr;  // s8: [vectors]
  float* scores;                 // [vectors]
};

using Kernel = void (*)(const Args&) noexcept;

struct Variant {
  const char* name;  // scan.isa
  Isa isa;
  Kernel f32, bf16, s8;
};

// Every variant compiled into this build, best first; all give the same bits.
std::span<const Variant* const> variants();
const Variant* find(std::string_view name);
const Variant& best(FeatureSet features);

// The rows, each defined in the file of its instruction set.
extern const Variant table_scalar, table_avx2, table_neon, table_avx512;

}  // namespace lathe::scan
