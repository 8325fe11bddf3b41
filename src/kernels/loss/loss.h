// The contract of the cross-entropy kernel: of rows of logits, their loss and, in their place, its gradient.
//
//   m = max over j of x[j];  l = sum over j of exp(x[j] - m);  loss[i] = (m - x[target]) + log(l)
//   x[j] = (exp(x[j] - m) * (1 / l) - (j == target ? 1 : 0)) * scale
//
// A row whose target is negative is left out: loss 0, gradient 0. With `gradient` false x is left as it is. loss is in
// float64. Sums over a row run over sixteen virtual lanes and one tree, exp is exp_f32 of kernels/common: bits depend
// on the row alone. A NaN or a +infinity in a row, or a -infinity at its target, makes its loss not finite, and touches
// no other row; a -infinity elsewhere is a word that cannot come.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "platform/cpu.h"

namespace lathe::loss {

struct Args {
  int64_t rows, n;
  float* x;
  int64_t x_row;           // elements
  const int32_t* targets;  // [rows]; below n
  float scale = 1.0f;
  bool gradient = true;
  double* loss;  // [rows]
};

struct Variant {
  const char* name;  // cross_entropy.isa
  Isa isa;
  void (*cross_entropy)(const Args&) noexcept;
};

// Every variant compiled into this build, best first; all give the same bits.
std::span<const Variant* const> variants();
const Variant* find(std::string_view name);
const Variant& best(FeatureSet features);

// The rows, each defined in the file of its instruction set.
extern const Variant table_scalar, table_avx2, table_neon, table_avx512;

}  // namespace lathe::loss
