// A decoder's passes on a device: one text, whose keys and values the device has. Passes of one token, of some and of
// many are recorded once and submitted again and again.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/decoder.h"
#include "ops/device_draws.h"
#include "ops/recorder_executor.h"

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

  // In all that follows: what the text has before the given position was cached, what stands there and behind is
  // forgotten. The results have the same bits in every run, with any dispatch, and are there until the next call.

  // Caches tokens. Between two passes `cancel` is looked at.
  Result<PassOutcome> feed(std::span<const int32_t> ids, int64_t position, const std::atomic<bool>* cancel = nullptr);
  // The logits behind a token.
  Result<std::span<const float>> logits(int32_t id, int64_t position);
  // The token whose logit is largest, of equal ones the first, behind `id`; and so on from that, 1 to kQueued of them.
  // They are chosen on the device, in one submission. Logits that are no finite numbers are an error.
  static constexpr int64_t kQueued = 4;
  Result<std::span<const int32_t>> likeliest(int32_t id, int64_t position, int64_t count);
  // The same of tokens that are drawn, each by its number of `random`, 1 to kQueued.
  Result<std::span<const int32_t>> drawn(int32_t id, int64_t position, const gpu::DrawSettings& settings,
                                         std::span<const uint64_t> random);

  void set_dispatch(ops::Dispatch dispatch) { dispatch_ = dispatch; }
  const gpu::DeviceInfo& info() const { return memory_.device().info(); }
  const ops::DeviceProducts& products() const { return products_; }
  int64_t uploaded_bytes() const { return memory_.uploaded_bytes(); }
  int64_t positions() const { return cache_->positions(); }  // that there is room for now
  int64_t submissions() const { return submissions_; }       // so far

 private:
  // Of prompts: passes of three widths. Of one token each: logits, likeliest or drawn, and kQueued times these.
  enum class Kind : uint8_t { one, few, many, logits, likeliest, likeliest_queue, drawn, drawn_queue };
  static constexpr size_t kWidths = 3, kKinds = 8, kDispatches = 3;
  static int64_t tokens_chosen(Kind kind);

  DeviceDecoder(Decoder& decoder, std::shared_ptr<gpu::Device> device, const DeviceDecoderOptions& options);
  Status start();
  Status make_room(int64_t position, int64_t count);
  Status check(std::span<const int32_t> ids, int64_t position) const;
  Status start_tokens();
  const ops::DeviceTokens& tokens_of(Kind kind) const;
  Kind width_for(int64_t tokens) const;
  Status run(Kind kind, std::span<const int32_t> ids, int64_t position);
  Result<ops::DeviceProgram> record(Kind kind);
  struct Choice {
    Kind one, queue;
  };
  using Prepare = std::function<void(int64_t first, int64_t count)>;
  Result<std::span<const int32_t>> choose(Choice choice, int32_t id, int64_t position, int64_t count,
                                          const Prepare& prepare);

  Decoder& decoder_;
  ops::DeviceMemory memory_;
  ops::DeviceProducts products_;
  const int64_t context_, prompt_tokens_;
  ops::Dispatch dispatch_;
  int64_t length_ = 0;  // positions that are cached
  int64_t submissions_ = 0;
  std::vector<ops::DeviceTokens> widths_;  // of kWidths kinds
  std::shared_ptr<gpu::Buffer> logits_, chosen_, history_;
  std::vector<int32_t> chosen_ids_;
  std::optional<ops::DeviceDraws> draws_;
  std::optional<ops::DeviceCache> cache_;
  std::array<std::array<std::optional<ops::DeviceProgram>, kKinds>, kDispatches> programs_;
};

}  // namespace lathe::models
