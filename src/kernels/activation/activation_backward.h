// The contract of the activations' gradients.
//
//   apply  dx[i,j] = dy[i,j] * f'(x[i,j])
//   gated  y = f(gate) * up:  dgate[i,j] = (dy[i,j] * up[i,j]) * f'(gate[i,j]);  dup[i,j] = dy[i,j] * f(gate[i,j])
//
// f is any function of activation.h with its bits, f' its derivative in closed form from the same polynomials (relu'(0)
// and relu'(NaN) are 0). Every element is independent: any division of the work and any instruction set give the same
// bits. NaN gives NaN; at an infinity the slopes of relu, silu and the gelus are 0 and 1. dx may be x or dy itself;
// dgate may be gate or dy, dup may be up or dy, but dgate and dup are not the same. No other overlap. No alignment is
// needed.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/activation/activation.h"
#include "platform/cpu.h"

namespace lathe::activation {

// Strides are in elements, from a row to the next.
struct ApplyBackwardArgs {
  int64_t rows, n;
  const float* x;
  int64_t x_row;
  const float* dy;
  int64_t dy_row;
  float* dx;
  int64_t dx_row;
};

struct GatedBackwardArgs {
  int64_t rows, n;
  const float* gate;
  int64_t gate_row;
  const float* up;
  int64_t up_row;
  const float* dy;
  int64_t dy_row;
  float* dgate;
  int64_t dgate_row;
  float* dup;
  int64_t dup_row;
};

struct BackwardVariant {
  const char* name;  // activation_backward.isa
  Isa isa;
  void (*apply)(Function, const ApplyBackwardArgs&) noexcept;
  void (*gated)(Function, const GatedBackwardArgs&) noexcept;
};

// Every variant compiled into this build, best first; all give the same bits.
std::span<const BackwardVariant* const> backward_variants();
const BackwardVariant& best_backward(FeatureSet features);

// The rows, each defined in the file of its instruction set.
extern const BackwardVariant backward_table_scalar, backward_table_avx2, backward_table_neon, backward_table_avx512;

}  // namespace lathe::activation
