// The operands of one call, checked against the problem they are for.
#pragma once

#include "kernels/matmul/matmul.h"
#include "lathe/matmul.h"
#include "ops/matmul.h"

namespace lathe::api {

// The prepared weights that came with the call, if any.
struct BoundWeights {
  const ops::Weights* weights = nullptr;
  DataType type = DataType::f32;
};

// `x` with dense strides filled in, or what is wrong with it.
Result<ops::MatmulOperands> checked_operands(const matmul::Problem& problem, const matmul::Variant& variant,
                                             const MatmulOperands& x, const BoundWeights& bound);

}  // namespace lathe::api
