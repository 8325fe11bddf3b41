#include "run/checkpoint_tensors.h"

#include <cstring>
#include <vector>

#include "formats/safetensors_writer.h"

namespace lathe::run {

using models::TrainTensor;

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

}  // namespace lathe::run
