// The contract of the activation kernels: a scalar function applied to rows, alone or as a gate.
//
//   apply  y[i,j] = f(x[i,j])                     0 <= i < rows, 0 <= j < n, rows >= 0, n >= 0
//   gated  y[i,j] = f(gate[i,j]) * up[i,j]        one rounding for the product
//
// f is one of the functions of kernels/common/scalar_math.h, with its bits; the error against float64 is in README.md.
// Every element is independent: any division of the work gives the same bits. NaN gives NaN. y may be x, gate or up
// itself (same pointer and stride); any other overlap is not allowed. No alignment is needed, nothing outside the rows
// is read or written. Kernels allocate nothing and start no threads.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "platform/cpu.h"

namespace lathe::activation {

enum class Function : uint8_t { relu, silu, gelu_erf, gelu_tanh, tanh, sigmoid, erf, exp };
constexpr Function kFunctions[] = {Function::relu, Function::silu,    Function::gelu_erf, Function::gelu_tanh,
                                   Function::tanh, Function::sigmoid, Function::erf,      Function::exp};
std::string_view function_name(Function function);

// Strides are in elements, from a row to the next.
struct ApplyArgs {
  int64_t rows, n;
  const float* x;
  int64_t x_row;
  float* y;
  int64_t y_row;
};

struct GatedArgs {
  int64_t rows, n;
  const float* gate;
  int64_t gate_row;
  const float* up;
  int64_t up_row;
  float* y;
  int64_t y_row;
};

struct Variant {
  const char* name;  // activation.isa
  Isa isa;
  void (*apply)(Function, const ApplyArgs&) noexcept;
  void (*gated)(Function, const GatedArgs&) noexcept;
};

// Every variant compiled into this build, best first; all give the same bits.
std::span<const Variant* const> variants();
const Variant* find(std::string_view name);
const Variant& best(FeatureSet features);

// The rows, each defined in the file of its instruction set.
extern const Variant table_scalar, table_avx2, table_neon, table_avx512;

}  // namespace lathe::activation
