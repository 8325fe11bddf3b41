// A decoder on a device: texts that go on, whose keys and values the device has, alone or some at once.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "models/decoder.h"
#include "models/device_passes.h"
#include "models/device_text.h"

namespace lathe::models {

struct DeviceDecoderOptions {
  int64_t context = 0;                                          // positions that a text may have
  int64_t prompt_tokens = 128;                                  // that share a pass
  ops::Dispatch dispatch = ops::Dispatch::model;                // how often the device is entered for a pass
  std::function<void(int64_t done, int64_t total)> uploaded{};  // bytes of the model
  ops::MeasuredRows measured{};                                 // of products
};

class DeviceDecoder {
 public:
  // Puts the weights on the device, and has `decoder`, which must outlive this, drop its products. unsupported, with
  // what is missing, where the device cannot run the model.
  static Result<std::unique_ptr<DeviceDecoder>> open(Decoder& decoder, std::shared_ptr<gpu::Device> device,
                                                     const DeviceDecoderOptions& options);

  // A text begins as a DeviceText of its own. In all that follows: what it has before the given position was cached,
  // what stands there and behind is forgotten. The results have the same bits in every run, with any dispatch, and
  // whatever other texts share the pass; they are there until the next call.

  // Has room for `count` positions of the text from `position` on, which the others make themselves. out_of_memory,
  // with the text as it was, where the device has none.
  Status make_room(DeviceText& text, int64_t position, int64_t count);
  // Caches tokens. Between two passes `cancel` is looked at.
  Result<PassOutcome> feed(DeviceText& text, std::span<const int32_t> ids, int64_t position,
                           const std::atomic<bool>* cancel = nullptr);

  // A text's next token. A pass has up to kMostTexts of them, each of another text.
  struct Next {
    DeviceText* text;
    int32_t id;
    int64_t position;
  };
  static constexpr int64_t kMostTexts = DevicePasses::kMostTexts;
  // The logits behind each: [texts, vocabulary].
  Result<std::span<const float>> logits(std::span<const Next> texts);
  // Of each text the token whose logit is largest, of equal ones the first, behind its id; and so on from that, 1 to
  // kQueued of them: [texts, count]. They are chosen on the device, in one submission where there are kQueued. -1, and
  // nothing that means anything behind it, where a text's logits are not all finite numbers.
  static constexpr int64_t kQueued = DevicePasses::kQueued;
  Result<std::span<const int32_t>> likeliest(std::span<const Next> texts, int64_t count);
  // The same of tokens that are drawn, each text's by what it asks and by the first `count` of its random numbers.
  struct Draw {
    gpu::DrawSettings settings;
    std::array<uint64_t, kQueued> random{};
  };
  Result<std::span<const int32_t>> drawn(std::span<const Next> texts, std::span<const Draw> draws, int64_t count);

  void set_dispatch(ops::Dispatch dispatch) { dispatch_ = dispatch; }
  const gpu::DeviceInfo& info() const { return memory_.device().info(); }
  const ops::DeviceProducts& products() const { return products_; }
  int64_t uploaded_bytes() const { return memory_.uploaded_bytes(); }
  int64_t submissions() const { return passes_.submissions(); }  // so far

 private:
  using Wanted = DevicePasses::Wanted;

  DeviceDecoder(Decoder& decoder, std::shared_ptr<gpu::Device> device, const DeviceDecoderOptions& options);
  Status start(int64_t prompt_tokens);
  Status check(const DeviceText& text, std::span<const int32_t> ids, int64_t position, int64_t count) const;
  Status prepare(std::span<const Next> texts, int64_t count);
  Status run(Wanted wanted, std::span<const Next> texts, int64_t count);
  Result<std::span<const int32_t>> choose(std::span<const Next> texts, std::span<const Draw> draws, int64_t count);
  void take_chosen(std::span<Next> texts, int64_t first, int64_t passes, int64_t count);

  Decoder& decoder_;
  ops::DeviceMemory memory_;
  ops::DeviceProducts products_;
  DevicePasses passes_;
  const int64_t context_;
  ops::Dispatch dispatch_;
  std::vector<int32_t> chosen_ids_;
};

}  // namespace lathe::models
