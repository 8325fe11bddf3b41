// The functions in float64: what the f32 ones are measured against.
#pragma once

#include "kernels/activation/activation.h"

namespace lathe::activation {

// f(x), with the limits at infinity: silu, gelu_erf and gelu_tanh of -inf are 0.
double reference(Function function, double x);

// f'(x), with the limits at infinity; relu'(0) = 0.
double reference_slope(Function function, double x);

}  // namespace lathe::activation
