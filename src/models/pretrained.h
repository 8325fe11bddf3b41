// A decoder's files as what fine-tuning begins with: a configuration that training has, and where the values of its
// flat array lie.
#pragma once

#include <vector>

#include "formats/model_files.h"
#include "lathe/status.h"
#include "models/export_tensor.h"
#include "models/train_config.h"
#include "models/weight_files.h"

namespace lathe::models {

struct Pretrained {
  WeightFiles files{};
  TrainConfig config{};
  std::vector<ExportTensor> tensors{};  // to f32, one after the other those of TrainModel::tensors()

  // A Hugging Face folder, a GGUF file or one of llama2.c. An error names the field that training has nothing for, or
  // the tensor that is absent or of another shape.
  static Result<Pretrained> open(const ModelFiles& files);
};

}  // namespace lathe::models
