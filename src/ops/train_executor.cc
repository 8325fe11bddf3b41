#include "ops/train_executor.h"

namespace lathe::ops {

TrainKernels TrainKernels::best() {
  const FeatureSet features = cpu_features();
  return {.norm = &norm::best(features),
          .norm_back = &norm::best_backward(features),
          .activation = &activation::best(features),
          .activation_back = &activation::best_backward(features),
          .rope = &rope::best(features),
          .attention = &attention::best_causal(features),
          .loss = &loss::best(features),
          .optimizer = &optimizer::best(features)};
}

}  // namespace lathe::ops
