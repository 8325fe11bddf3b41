// Public enumerations and structs into those of the rooms below.
#pragma once

#include "kernels/matmul/matmul.h"
#include "lathe/matmul.h"
#include "lathe/status.h"

namespace lathe::api {

// The enumerators are the same on both sides; a number outside of them is an error that names `field`.
Result<matmul::Type> type_of(DataType type, const char* field);
Result<matmul::Order> order_of(WeightOrder order, const char* field);
Result<matmul::Problem> problem_of(const MatmulProblem& problem);

}  // namespace lathe::api
