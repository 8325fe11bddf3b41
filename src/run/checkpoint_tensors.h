// The flat arrays of a model that learns, as the tensors of safetensors files.
#pragma once

#include <span>
#include <string>

#include "lathe/status.h"
#include "models/train_model.h"
#include "tensor/tensor_table.h"

namespace lathe::run {

struct CheckpointPart {
  const char* prefix;  // before the name of each tensor
  std::span<const float> values;
};
Status write_tensors(const std::string& folder, const char* name, std::span<const models::TrainTensor> tensors,
                     std::span<const CheckpointPart> parts, int64_t shard_bytes);

// An error names the tensor that is missing, or is of another shape or type than f32.
Status read_tensors(const TensorTable& table, const char* prefix, std::span<const models::TrainTensor> tensors,
                    std::span<float> values);

}  // namespace lathe::run
