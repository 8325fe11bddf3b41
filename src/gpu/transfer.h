// Bytes to and from memory that only the device sees, through a staging buffer of bounded size.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "gpu/device.h"

namespace lathe::gpu {

class Transfer {
 public:
  static constexpr int64_t kStagingBytes = int64_t{16} << 20;
  explicit Transfer(std::shared_ptr<Device> device, int64_t staging_bytes = kStagingBytes)
      : device_(std::move(device)), staging_bytes_(staging_bytes) {}

  // Bytes that are there so far, and all; called after every piece.
  using Progress = std::function<void(int64_t done, int64_t total)>;

  Status upload(std::span<const std::byte> from, const Buffer& to, int64_t to_at = 0, const Progress& progress = {});
  Status download(const Buffer& from, int64_t from_at, std::span<std::byte> to, const Progress& progress = {});

 private:
  Result<std::shared_ptr<Buffer>> staging(std::shared_ptr<Buffer>* held, int64_t bytes, MemoryUse use);
  Status copy(const Buffer& from, int64_t from_at, const Buffer& to, int64_t to_at, int64_t bytes);

  std::shared_ptr<Device> device_;
  int64_t staging_bytes_;
  std::shared_ptr<Buffer> up_, down_;
};

}  // namespace lathe::gpu
