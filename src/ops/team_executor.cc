#include "ops/team_executor.h"

namespace lathe::ops {

CpuKernels CpuKernels::best() {
  const FeatureSet features = cpu_features();
  return {&norm::best(features), &attention::best(features), &rope::best(features), &activation::best(features)};
}

}  // namespace lathe::ops
