// lathe explain --device
#pragma once

#include <string>

#include "kernels/matmul/matmul.h"
#include "lathe/status.h"

namespace lathe::cli {

// Which row of the table runs on `device`, by the plan at `plan_path` where that has the product.
Status explain_device(const matmul::Problem& problem, const std::string& device, const std::string& plan_path);

}  // namespace lathe::cli
