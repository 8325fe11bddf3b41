#include "ops/team_executor.h"

namespace lathe::ops {

CpuKernels CpuKernels::best() {
  const FeatureSet features = cpu_features();
  return {.norm = &norm::best(features),
          .attention = &attention::best(features),
          .paged_attention = &paged_attention::best(features),
          .rope = &rope::best(features),
          .activation = &activation::best(features)};
}

}  // namespace lathe::ops
