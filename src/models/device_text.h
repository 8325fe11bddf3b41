// What a device has of a text that goes on: its keys and values, which leave the device with it.
#pragma once

#include <cstdint>
#include <optional>

#include "ops/device_cache.h"

namespace lathe::models {

class DeviceText {
 public:
  DeviceText() = default;
  DeviceText(DeviceText&&) = default;
  DeviceText& operator=(DeviceText&&) = default;
  int64_t length() const { return length_; }                              // positions that are cached
  int64_t positions() const { return cache_ ? cache_->positions() : 0; }  // that there is room for now

 private:
  friend class DeviceDecoder;
  int64_t length_ = 0;
  std::optional<ops::DeviceCache> cache_;
};

}  // namespace lathe::models
