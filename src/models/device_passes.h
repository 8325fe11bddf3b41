// A decoder's passes as a device has them: recorded once for each count of tokens and texts, and submitted again with
// other tokens, of whatever texts.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/decoder.h"
#include "ops/device_draws.h"
#include "ops/recorder_executor.h"

namespace lathe::models {

class DevicePasses {
 public:
  static constexpr int64_t kMostTexts = 16;  // of a pass: what products of few rows take
  static constexpr int64_t kQueued = 4;      // passes of a queue
  // Behind one token of each text: nothing but what is cached, the logits, a token that is the likeliest or drawn, or
  // that again and again.
  enum class Wanted : uint8_t { nothing, logits, likeliest, likeliest_queue, drawn, drawn_queue };

  DevicePasses(Decoder& decoder, ops::DeviceMemory& memory, ops::DeviceProducts& products)
      : decoder_(decoder), memory_(memory), products_(products) {}
  // Prompts go in passes of up to `prompt_tokens`.
  Status start(int64_t prompt_tokens);

  // One token of each of up to kMostTexts texts, or several of one, which want nothing then, up to most_tokens().
  // Caches them all; what they want is there until the next run. Of draws each text's are set before.
  ops::DeviceDraws& draws() { return *draws_; }
  Status run(Wanted wanted, ops::Dispatch dispatch, std::span<const ops::TextTokens> texts);
  int64_t most_tokens() const { return tokens_.back().rows(); }
  const float* logits() const { return reinterpret_cast<const float*>(logits_->mapped()); }  // [texts, vocabulary]
  uint32_t chosen(int64_t pass, int64_t text) const;  // the vocabulary where its logits are no finite numbers
  int64_t submissions() const { return submissions_; }

 private:
  struct Key {
    Wanted wanted;
    ops::Dispatch dispatch;
    size_t width;       // in tokens_
    int64_t positions;  // that a cache has room for at most
    auto operator<=>(const Key&) const = default;
  };

  Status start_buffers();
  Status start_tokens(int64_t most);
  size_t width_for(std::span<const ops::TextTokens> texts) const;
  Status reserve(int64_t texts, int64_t positions);
  Result<ops::DeviceProgram> record(const Key& key);
  void record_choice(ops::RecorderExecutor& x, const Key& key, int64_t pass);
  int64_t logits_bytes(int64_t texts) const { return texts * decoder_.config().vocabulary * int64_t{sizeof(float)}; }

  Decoder& decoder_;
  ops::DeviceMemory& memory_;
  ops::DeviceProducts& products_;
  std::vector<ops::DeviceTokens> tokens_;  // of one token of some texts, then of some tokens of one; ascending
  std::shared_ptr<gpu::Buffer> logits_, chosen_;
  std::optional<ops::DeviceDraws> draws_;
  std::shared_ptr<gpu::Buffer> parts_;  // of attention's splits
  int64_t parts_texts_ = 0, positions_ = 0, keys_of_split_ = 1;
  std::map<Key, ops::DeviceProgram> programs_;
  int64_t submissions_ = 0;
};

}  // namespace lathe::models
