// Writes a model's tensors as safetensors: model.safetensors, or shards with their index where they are large.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "formats/safetensors.h"
#include "lathe/status.h"
#include "tensor/tensor_view.h"

namespace lathe {

constexpr int64_t kShardBytes = 5'000'000'000;  // as Hugging Face has it

class SafetensorsWriter {
 public:
  struct Options {
    TensorMetadata metadata = {{"format", "pt"}};  // transformers asks for this
    int64_t shard_bytes = kShardBytes;             // a larger tensor has a shard for itself
    std::string name = "model";                    // of the files: model.safetensors
  };

  // Names, types and shapes of `tensors` count, not their bytes; they are written in this order, into `folder`, which
  // exists. The heads of all files are written at once.
  static Result<SafetensorsWriter> create(const std::string& folder, std::span<const TensorView> tensors,
                                          const Options& options);

  int64_t file_bytes() const { return file_bytes_; }  // of all files, when all is written

  // The next bytes of the tensor at hand; each tensor begins with a call of its own.
  Status write(std::span<const std::byte> bytes);
  // Files appear under their names, the index last; an error where tensors are missing.
  Status commit();

 private:
  struct Shard {
    size_t first = 0, end = 0;  // tensors
    std::string name;
  };
  SafetensorsWriter() = default;
  void divide(std::span<const TensorView> tensors, const Options& options);
  Status open_shard(const Shard& shard, std::span<const TensorView> tensors, const TensorMetadata& metadata);
  void make_index(std::span<const TensorView> tensors);

  std::string folder_, name_, index_;  // the index's text; empty: there is one file
  std::vector<int64_t> sizes_;         // bytes of each tensor
  std::vector<Shard> shards_;
  std::vector<AtomicFile> files_;  // one a shard
  int64_t file_bytes_ = 0, written_ = 0;
  size_t shard_ = 0, tensor_ = 0;
};

}  // namespace lathe
