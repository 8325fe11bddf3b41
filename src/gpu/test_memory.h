// Arrays on a device, for tests: the first thing that goes wrong is kept.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "gpu/place.h"
#include "gpu/transfer.h"

namespace lathe::gpu {

class TestMemory {
 public:
  explicit TestMemory(std::shared_ptr<Device> device) : device_(device), transfer_(std::move(device)) {}

  template <class T>
  Place put(const std::vector<T>& values) {
    const auto bytes = std::as_bytes(std::span(values));
    auto buffer = device_->create_buffer(static_cast<int64_t>(bytes.size()), MemoryUse::device);
    EXPECT_TRUE(buffer.ok()) << buffer.status().message();
    if (!buffer) return {};
    held_.push_back(*buffer);
    const Status s = transfer_.upload(bytes, **buffer);
    EXPECT_TRUE(s.ok()) << s.message();
    return {buffer->get(), 0};
  }
  Place addresses(std::initializer_list<Place> places) {
    std::vector<uint64_t> values;
    for (const Place& place : places) values.push_back(address_of(place));
    return put(values);
  }
  Place floats(int64_t count) { return put(std::vector<float>(static_cast<size_t>(count), 0.0f)); }

  template <class T>
  std::vector<T> get(const Place& place, int64_t count) {
    std::vector<T> values(static_cast<size_t>(count));
    const Status s = transfer_.download(*place.buffer, place.at, std::as_writable_bytes(std::span(values)));
    EXPECT_TRUE(s.ok()) << s.message();
    return values;
  }

 private:
  std::shared_ptr<Device> device_;
  Transfer transfer_;
  std::vector<std::shared_ptr<Buffer>> held_;
};

inline std::vector<float> uniform(std::mt19937_64& random, int64_t count, float scale = 1.0f) {
  std::uniform_real_distribution<float> between(-scale, scale);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = between(random);
  return values;
}

}  // namespace lathe::gpu
