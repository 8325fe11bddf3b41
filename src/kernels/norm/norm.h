// The contract of the normalisation kernels, over rows of n >= 1 elements, rows >= 0.
//
// With a residual: s[i,j] = x[i,j] + residual[i,j], rounded once; without: s = x. Then, per row, each step rounded
// once:
//
//   layer_norm  mean = sum(s) / n;  d[j] = s[j] - mean;  var = sum(d[j] * d[j]) / n;  r = 1 / sqrt(var + eps)
//               y[j] = fma(d[j] * r, weight[j], bias[j])
//   rms_norm    r = 1 / sqrt(sum(s[j] * s[j]) / n + eps)
//               y[j] = (s[j] * r) * (weight[j] + weight_offset)
//
// ORDER OF ADDITION. A sum runs over sixteen virtual lanes, element j in lane j mod 16, j ascending, from +0, squares
// by fma; then one tree over the lanes (kernels/common/lanes16.inl.h). It depends on n alone, so a row's result has the
// same bits in any batch, on any instruction set.
//
// weight nullptr means 1 (and no weight_offset); bias nullptr means that layer_norm multiplies only, without the fma.
// rms_norm does not read bias, layer_norm does not read weight_offset. NaN and infinity flow through as IEEE says and
// touch no other row. The variance is computed from the differences (two passes), so a large common offset costs no
// accuracy beyond that of the mean.
//
// `sum` receives s and may be x or residual itself, or nullptr where nobody needs it. y may be x or residual itself
// when sum is not the same buffer. Any other overlap is not allowed. No alignment is needed, nothing outside the rows
// is touched, nothing is allocated.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "platform/cpu.h"

namespace lathe::norm {

// Strides are in elements, from a row to the next.
struct Args {
  int64_t rows, n;
  const float* x;
  int64_t x_row;
  const float* residual = nullptr;
  int64_t residual_row = 0;
  float* sum = nullptr;
  int64_t sum_row = 0;
  const float* weight = nullptr;  // [n]
  const float* bias = nullptr;    // [n]
  float weight_offset = 0.0f;     // 1 for models that store weight - 1 (Gemma)
  float eps = 1e-5f;              // above 0, or a constant row is NaN
  float* y;
  int64_t y_row;
};

struct Variant {
  const char* name;  // norm.isa
  Isa isa;
  void (*layer_norm)(const Args&) noexcept;
  void (*rms_norm)(const Args&) noexcept;
};

// Every variant compiled into this build, best first; all give the same bits.
std::span<const Variant* const> variants();
const Variant* find(std::string_view name);
const Variant& best(FeatureSet features);

// The rows, each defined in the file of its instruction set.
extern const Variant table_scalar, table_avx2, table_neon, table_avx512;

}  // namespace lathe::norm
