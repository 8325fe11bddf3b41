#include "run/checkpoint_tensors.h"

#include <cstring>
#include <vector>

#include "formats/safetensors.h"
#include "formats/safetensors_writer.h"

namespace lathe::run {

using models::TrainTensor;

namespace {

constexpr const char *kFirst = "first.", *kSecond = "second.";  // moments, before the name of their tensor

}  // namespace

Status write_tensors(const std::string& folder, const char* name, std::span<const TrainTensor> tensors,
                     std::span<const CheckpointPart> parts, int64_t shard_bytes) {
  std::vector<TensorView> views;
  for (const CheckpointPart& part : parts)
    for (const TrainTensor& tensor : tensors)
      views.push_back(
          {.name = part.prefix + tensor.name, .dtype = DType::f32, .shape = Shape(tensor.shape), .bytes = {}});
  auto writer = SafetensorsWriter::create(folder, views, {.shard_bytes = shard_bytes, .name = name});
  if (!writer) return writer.status();
  for (const CheckpointPart& part : parts)
    for (const TrainTensor& tensor : tensors) {
      const auto values = part.values.subspan(static_cast<size_t>(tensor.offset), static_cast<size_t>(tensor.size));
      if (Status status = writer->write(std::as_bytes(values)); !status.ok()) return status;
    }
  return writer->commit();
}

Status read_tensors(const TensorTable& table, const char* prefix, std::span<const TrainTensor> tensors,
                    std::span<float> values) {
  for (const TrainTensor& tensor : tensors) {
    const auto found = table.require(prefix + tensor.name, Shape(tensor.shape));
    if (!found) return found.status();
    if ((*found)->dtype != DType::f32)
      return corrupt("tensor " + (*found)->name + " is of type " + std::string(dtype_name((*found)->dtype)) +
                     ", needed: F32");
    std::memcpy(values.data() + tensor.offset, (*found)->bytes.data(), (*found)->bytes.size());
  }
  return {};
}

Status write_learned(const std::string& folder, std::span<const TrainTensor> tensors, const LearnedArrays& arrays) {
  const CheckpointPart weights[] = {{"", arrays.weights}};
  if (Status status = write_tensors(folder, "model", tensors, weights, kShardBytes); !status.ok()) return status;
  const CheckpointPart moments[] = {{kFirst, arrays.first_moments}, {kSecond, arrays.second_moments}};
  return write_tensors(folder, "optimizer", tensors, moments, INT64_MAX);
}

Status read_learned(const std::string& path, std::span<const TrainTensor> tensors, const LearnedArrays& arrays) {
  const auto weights = open_safetensors(path);
  if (!weights) return weights.status();
  if (Status status = read_tensors(weights->tensors, "", tensors, arrays.weights); !status.ok())
    return corrupt(path + ": " + status.message());
  const auto moments = open_safetensors(path + "/optimizer.safetensors");
  if (!moments) return moments.status();
  Status status = read_tensors(moments->tensors, kFirst, tensors, arrays.first_moments);
  if (status.ok()) status = read_tensors(moments->tensors, kSecond, tensors, arrays.second_moments);
  return status.ok() ? status : corrupt(path + ": " + status.message());
}

}  // namespace lathe::run
