// The contract of the softmax kernels, over rows of n >= 1 elements, rows >= 0.
//
// Row i has valid(i) = min(max(valid + i * valid_step, 0), n) elements; y[i,j] = 0 for j >= valid(i), and x and mask
// are not read there. For the others, each step rounded once:
//
//   t[j] = x[i,j] * scale                      without a mask
//   t[j] = fma(x[i,j], scale, mask[i,j])       with one; -inf takes an element out
//   m    = max over j of t[j], and 0 where that is -inf
//   e[j] = exp(t[j] - m)                       exp_f32 of kernels/common/scalar_math.h
//   y[j] = e[j] * (1 / sum(e))
//
// A row without any element (valid(i) = 0, or every t[j] = -inf) is all zeros: attention over nothing adds nothing. A
// NaN or a +inf among the valid t makes every valid y of that row NaN, and touches no other row.
//
// ORDER OF ADDITION. The sum runs over sixteen virtual lanes, element j in lane j mod 16, j ascending from +0, then one
// tree (kernels/common/lanes16.inl.h). It depends on valid(i) alone, so a row has the same bits in any batch, with more
// masked columns behind it, and on any instruction set.
//
// y may be x itself (same pointer and stride); any other overlap is not allowed. No alignment is needed, nothing
// outside the rows is touched, nothing is allocated.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "platform/cpu.h"

namespace lathe::softmax {

// Strides are in elements, from a row to the next.
struct Args {
  int64_t rows, n;
  const float* x;
  int64_t x_row;
  float scale = 1.0f;
  const float* mask = nullptr;
  int64_t mask_row = 0;    // 0: one mask for all rows
  int64_t valid;           // n: all; a shorter sequence: its length; causal: position of the first row + 1 ...
  int64_t valid_step = 0;  // ... with a step of 1
  float* y;
  int64_t y_row;
};

struct Variant {
  const char* name;  // softmax.isa
  Isa isa;
  void (*run)(const Args&) noexcept;
};

// Every variant compiled into this build, best first; all give the same bits.
std::span<const Variant* const> variants();
const Variant* find(std::string_view name);
const Variant& best(FeatureSet features);

// The rows, each defined in the file of its instruction set.
extern const Variant table_scalar, table_avx2, table_neon, table_avx512;

}  // namespace lathe::softmax
