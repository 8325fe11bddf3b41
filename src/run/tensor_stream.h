// Tensors on their way from one file to another: decoded, changed and encoded by all threads, some MB at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"
#include "models/export_tensor.h"
#include "models/weight_files.h"
#include "platform/team.h"

namespace lathe::run {

class TensorStream {
 public:
  using Sink = std::function<Status(std::span<const std::byte>)>;

  // `wrote` hears of each piece how many values it has.
  TensorStream(Team& team, std::function<void(int64_t)> wrote) : team_(team), wrote_(std::move(wrote)) {}

  // All bytes of the target, in order, in pieces. An error names the tensor and the type that cannot be read or
  // written, or the value that the type cannot hold. Where type and values stay, the bytes do.
  Status write(const models::ExportTensor& tensor, const Sink& sink);

 private:
  Status copy(const models::ExportTensor& tensor, const Sink& sink);

  Team& team_;
  std::function<void(int64_t)> wrote_;
  std::vector<std::byte> encoded_;
  std::vector<float> decoded_;  // one row for each worker
};

// How many values are done, of how many, and the name of the tensor at hand.
using ExportProgress = std::function<void(int64_t done, int64_t total, std::string_view tensor)>;

// All of them, one after the other. An error names the file too. Pages that were read go back to the system: a model
// larger than the memory leaves the rest of the machine alone.
Status write_tensors(const models::WeightFiles& files, std::span<const models::ExportTensor> tensors, int threads,
                     const ExportProgress& progress, const TensorStream::Sink& sink);

// What was written, for people.
struct ExportReport {
  int64_t source_bytes = 0, file_bytes = 0;  // of tensors, and of the files written
  int64_t values = 0, tensor_bytes = 0;
  std::vector<std::string> notes;

  void add(std::span<const models::ExportTensor> tensors);
};

}  // namespace lathe::run
