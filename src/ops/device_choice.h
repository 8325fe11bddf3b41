// Which rows of the device's tables a pass takes.
#pragma once

#include "gpu/matmul.h"
#include "gpu/step_ops.h"

namespace lathe::ops {

// All of one layout, panels, so that weights lie on the device once, whatever the number of rows. unsupported, with the
// refusals, where the device runs none.
Result<const gpu::MatmulVariant*> choose_product(const gpu::MatmulProblem& problem, const gpu::DeviceInfo& device);

// The first row of `op` that runs on the device and is for these, where they count.
struct StepNeeds {
  gpu::WeightType w = gpu::WeightType::f32;
  bool interleaved = false;
  int64_t threads = 0;  // or more
  int64_t dim = 0;      // or wider: of a head
};
Result<const gpu::StepVariant*> choose_step(gpu::StepOp op, const StepNeeds& needs, const gpu::DeviceInfo& device);

}  // namespace lathe::ops
