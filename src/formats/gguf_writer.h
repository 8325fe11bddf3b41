// Writes GGUF version 3. All tensors are named before the first byte of one is written: the head says where each lies,
// so that data go out as they are computed and no more than a piece of one tensor is in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "formats/gguf_metadata.h"
#include "lathe/status.h"
#include "tensor/tensor_view.h"

namespace lathe {

constexpr int64_t kGgufAlignment = 32;

class GgufWriter {
 public:
  // Names, types and shapes of `tensors` count, not their bytes; they are written in this order. The head is written at
  // once. An error names a tensor that the format cannot hold.
  static Result<GgufWriter> create(const std::string& path, const GgufMetadata& metadata,
                                   std::span<const TensorView> tensors);

  const std::string& temporary() const { return file_.temporary(); }
  int64_t file_bytes() const { return file_bytes_; }  // when all is written

  // The next bytes of the tensor at hand. An error where they go beyond its end: padding stands between tensors, so
  // each of them begins with a call of its own.
  Status write(std::span<const std::byte> bytes);
  // The file is there from now on; an error where tensors are missing.
  Status commit();

 private:
  GgufWriter(AtomicFile file, std::vector<int64_t> sizes, int64_t file_bytes)
      : file_(std::move(file)), sizes_(std::move(sizes)), file_bytes_(file_bytes) {}
  Status end_tensor();

  AtomicFile file_;
  std::vector<int64_t> sizes_;  // bytes of each tensor
  int64_t file_bytes_;
  size_t at_ = 0;        // tensor
  int64_t written_ = 0;  // of it
};

}  // namespace lathe
