// Which rows of the device's tables a pass takes.
#pragma once

#include <optional>

#include "gpu/matmul.h"
#include "gpu/step_ops.h"

namespace lathe::ops {

// That of all weights on a device, whatever the number of rows of x.
constexpr gpu::WeightLayout kProductLayout = gpu::WeightLayout::panels;
// What stands where nothing was measured, of `order` where one is given. unsupported, with the refusals, where the
// device runs none.
Result<const gpu::MatmulVariant*> choose_product(const gpu::MatmulProblem& problem, const gpu::DeviceInfo& device,
                                                 std::optional<gpu::AdditionOrder> order = {});

// The first row of `op` that runs on the device and is for these, where they count.
struct StepNeeds {
  gpu::WeightType w = gpu::WeightType::f32;
  gpu::WeightLayout layout = gpu::WeightLayout::rows;
  bool interleaved = false;
  int64_t threads = 0;  // or more
  int64_t dim = 0;      // or wider: of a head
};
Result<const gpu::StepVariant*> choose_step(gpu::StepOp op, const StepNeeds& needs, const gpu::DeviceInfo& device);

}  // namespace lathe::ops
