// Tensors on their way from one file to another: decoded, changed and encoded by all threads, some MB at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lathe/status.h"
#include "models/export_tensor.h"
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

}  // namespace lathe::run
