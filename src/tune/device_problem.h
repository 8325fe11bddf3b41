// A product as shapes files and reports describe it, and as a device is asked for it.
#pragma once

#include "gpu/matmul.h"
#include "kernels/matmul/matmul.h"
#include "lathe/status.h"

namespace lathe::tune {

// unsupported, with the sentence, where no row of any device is for such a product.
Result<gpu::MatmulProblem> device_problem(const matmul::Problem& problem);
// And back.
matmul::Problem kernel_problem(const gpu::MatmulProblem& problem);

}  // namespace lathe::tune
