// What draws of tokens read and work in on a device: the settings of each text and a random number for each of its
// draws, which the host writes before each run of a recording.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "gpu/draw.h"
#include "ops/device_memory.h"

namespace lathe::ops {

class DeviceDraws {
 public:
  // `draws` of a recording, one after the other, for each of up to `texts`, from a vocabulary.
  static Result<DeviceDraws> create(DeviceMemory& memory, int64_t draws, int64_t texts, int64_t vocabulary);

  int64_t draws() const { return draws_; }
  // Of a text's next run: one random number or more, draws() at most.
  void set(int64_t text, const gpu::DrawSettings& settings, std::span<const uint64_t> random);
  // Where draw i of a recording finds them; the other operands are the caller's.
  gpu::DrawArgs args(int64_t i) const;
  // From the host's memory to the device's, which a recording begins with.
  gpu::Place from() const { return {host_.get(), 0}; }
  gpu::Place to() const { return {device_.get(), 0}; }
  int64_t bytes() const { return host_->size(); }

 private:
  int64_t draws_ = 0, texts_ = 0, vocabulary_ = 0;
  std::shared_ptr<gpu::Buffer> host_, device_, candidates_;
};

}  // namespace lathe::ops
