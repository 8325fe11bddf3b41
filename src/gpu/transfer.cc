#include "gpu/transfer.h"

#include <algorithm>
#include <cstring>

namespace lathe::gpu {
namespace {

Status check_range(const Buffer& buffer, int64_t at, size_t bytes) {
  if (at >= 0 && at <= buffer.size() && static_cast<int64_t>(bytes) <= buffer.size() - at) return {};
  return invalid_argument("a transfer of " + std::to_string(bytes) + " bytes at " + std::to_string(at) +
                          ", needed: a place within the buffer's " + std::to_string(buffer.size()));
}

}  // namespace

Result<std::shared_ptr<Buffer>> Transfer::staging(std::shared_ptr<Buffer>* held, int64_t bytes, MemoryUse use) {
  const int64_t wanted = std::min(bytes, staging_bytes_);
  if (*held != nullptr && (*held)->size() >= wanted) return *held;
  auto made = device_->create_buffer(wanted, use);
  if (made) *held = *made;
  return made;
}

Status Transfer::copy(const Buffer& from, int64_t from_at, const Buffer& to, int64_t to_at, int64_t bytes) {
  auto recording = device_->record();
  if (!recording) return recording.status();
  (*recording)->copy(from, from_at, to, to_at, bytes);
  if (Status s = (*recording)->end(); !s.ok()) return s;
  return device_->submit(**recording);
}

Status Transfer::upload(std::span<const std::byte> from, const Buffer& to, int64_t to_at, const Progress& progress) {
  if (Status s = check_range(to, to_at, from.size()); !s.ok()) return s;
  if (from.empty()) return {};
  const auto total = static_cast<int64_t>(from.size());
  auto stage = staging(&up_, total, MemoryUse::upload);
  if (!stage) return stage.status();
  for (int64_t done = 0; done < total;) {
    const int64_t bytes = std::min(total - done, (*stage)->size());
    std::memcpy((*stage)->mapped(), from.data() + done, static_cast<size_t>(bytes));
    if (Status s = copy(**stage, 0, to, to_at + done, bytes); !s.ok()) return s;
    done += bytes;
    if (progress) progress(done, total);
  }
  return {};
}

Status Transfer::download(const Buffer& from, int64_t from_at, std::span<std::byte> to, const Progress& progress) {
  if (Status s = check_range(from, from_at, to.size()); !s.ok()) return s;
  if (to.empty()) return {};
  const auto total = static_cast<int64_t>(to.size());
  auto stage = staging(&down_, total, MemoryUse::readback);
  if (!stage) return stage.status();
  for (int64_t done = 0; done < total;) {
    const int64_t bytes = std::min(total - done, (*stage)->size());
    if (Status s = copy(from, from_at + done, **stage, 0, bytes); !s.ok()) return s;
    std::memcpy(to.data() + done, (*stage)->mapped(), static_cast<size_t>(bytes));
    done += bytes;
    if (progress) progress(done, total);
  }
  return {};
}

}  // namespace lathe::gpu
