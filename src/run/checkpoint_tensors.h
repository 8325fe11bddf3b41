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

// What a run has learned: weights, and both moments of the optimizer.
struct LearnedArrays {
  std::span<float> weights, first_moments, second_moments;
};
template <class Model>
LearnedArrays learned_by(Model& model) {
  return {model.weights(), model.first_moments(), model.second_moments()};
}
// model.safetensors, in shards where it is large, and optimizer.safetensors.
Status write_learned(const std::string& folder, std::span<const models::TrainTensor> tensors,
                     const LearnedArrays& arrays);
// Into arrays of the same tensors; an error names the file, and the tensor that is missing or different.
Status read_learned(const std::string& path, std::span<const models::TrainTensor> tensors, const LearnedArrays& arrays);

}  // namespace lathe::run
