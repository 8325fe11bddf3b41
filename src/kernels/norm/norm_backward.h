// The contract of the normalisations' gradients: what norm.h computes of s = x (there is no residual here), backwards.
//
//   rms_norm    r = 1 / sqrt(sum(x*x) / n + eps);  g[j] = dy[j] * (weight[j] + weight_offset)
//               dx[j] = r * (g[j] - (x[j] * r) * (sum(g * (x*r)) / n))
//               dweight[j] += sum over rows of dy[j] * (x[j] * r)
//   layer_norm  d[j] = x[j] - mean, r as in norm.h, h[j] = d[j] * r;  g[j] = dy[j] * weight[j]
//               dx[j] = r * (g[j] - sum(g) / n - h[j] * (sum(g * h) / n))
//               dweight[j] += sum over rows of dy[j] * h[j];  dbias[j] += sum over rows of dy[j]
//
// In two parts, so that a team can divide both and every sum keeps its order: input() rows by rows, which also writes
// what the weights' part needs of a row (r, and the mean for layer_norm), and weights() a run of columns, each column a
// chain over the rows ascending that begins at what stands in dweight. Sums over a row run over sixteen virtual lanes
// and one tree, as in norm.h. Each step is rounded once, with three fused: sum(g * h) and dweight by fma, and
// dx[j] = r * fma(-h[j], sum(g * h) / n, g[j] - sum(g) / n). So bits do not depend on the division or on the
// instruction set.
//
// dx may be dy itself; with `add`, dx[j] = dx[j] + (what is above), and then it may not be dy. No other overlap.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "platform/cpu.h"

namespace lathe::norm {

// Strides are in elements, from a row to the next.
struct BackwardArgs {
  int64_t rows, n;
  const float* x;
  int64_t x_row;
  const float* dy;
  int64_t dy_row;
  const float* weight = nullptr;  // [n]; nullptr: 1
  float weight_offset = 0.0f;     // rms_norm
  float eps = 1e-5f;
  float* dx;
  int64_t dx_row;
  bool add = false;
  float* scale;           // [rows]: r, written
  float* mean = nullptr;  // [rows]: written by layer_norm
};

// Columns begin .. end - 1 of dweight and dbias, from all rows.
struct WeightGradientArgs {
  int64_t rows, begin, end;
  const float* x;
  int64_t x_row;
  const float* dy;
  int64_t dy_row;
  const float* scale;           // [rows], from input()
  const float* mean = nullptr;  // [rows]; nullptr: 0
  float* dweight;               // [n]
  float* dbias = nullptr;       // [n]; nullptr: none
};

struct BackwardVariant {
  const char* name;  // norm_backward.isa
  Isa isa;
  void (*rms_norm)(const BackwardArgs&) noexcept;
  void (*layer_norm)(const BackwardArgs&) noexcept;
  void (*weights)(const WeightGradientArgs&) noexcept;
};

// Every variant compiled into this build, best first; all give the same bits.
std::span<const BackwardVariant* const> backward_variants();
const BackwardVariant& best_backward(FeatureSet features);

// The rows, each defined in the file of its instruction set.
extern const BackwardVariant backward_table_scalar, backward_table_avx2, backward_table_neon, backward_table_avx512;

}  // namespace lathe::norm
