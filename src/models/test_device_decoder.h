// For tests: small decoders on a device, and what is asked of one text alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "gpu/test_device.h"
#include "models/device_decoder.h"
#include "models/test_decoder.h"

namespace lathe::models::testing {

inline double cosine(std::span<const float> a, std::span<const float> b) {
  double dot = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * double{b[i]};
    aa += double{a[i]} * double{a[i]}, bb += double{b[i]} * double{b[i]};
  }
  return dot / std::sqrt(aa * bb);
}

class DeviceDecoderFixture : public gpu::DeviceTest {
 protected:
  void SetUp() override {
    gpu::DeviceTest::SetUp();
    team_ = std::move(*Team::create({.threads = 1}));
  }
  void TearDown() override {
    text_ = {};
    on_device_.reset();
    gpu::DeviceTest::TearDown();
  }

  // The device has `decoder` for its own from then on.
  Status open(Decoder& decoder, ops::Dispatch dispatch = ops::Dispatch::model, int64_t context = 400) {
    text_ = {};
    auto opened = DeviceDecoder::open(decoder, device_, {.context = context, .dispatch = dispatch});
    if (opened) on_device_ = std::move(*opened);
    return opened.status();
  }
  Result<PassOutcome> feed(std::span<const int32_t> ids, int64_t position) {
    return on_device_->feed(text_, ids, position);
  }
  Result<std::span<const float>> logits(int32_t id, int64_t position) {
    const DeviceDecoder::Next next = {&text_, id, position};
    return on_device_->logits({&next, 1});
  }
  Result<std::span<const int32_t>> likeliest(int32_t id, int64_t position, int64_t count) {
    const DeviceDecoder::Next next = {&text_, id, position};
    return on_device_->likeliest({&next, 1}, count);
  }
  Result<std::span<const int32_t>> drawn(int32_t id, int64_t position, const gpu::DrawSettings& settings,
                                         std::span<const uint64_t> random) {
    const DeviceDecoder::Next next = {&text_, id, position};
    DeviceDecoder::Draw draw = {settings, {}};
    std::ranges::copy(random.first(std::min(random.size(), draw.random.size())), draw.random.begin());
    return on_device_->drawn({&next, 1}, {&draw, 1}, std::ssize(random));
  }

  std::unique_ptr<Team> team_;
  std::unique_ptr<DeviceDecoder> on_device_;
  DeviceText text_;  // the only one, where there are not more
};

}  // namespace lathe::models::testing
