// A text that is being generated.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/matcher.h"
#include "lathe/status.h"
#include "models/device_text.h"
#include "ops/kv_cache.h"
#include "run/prompt_lookup.h"
#include "sample/sampler.h"
#include "sample/text_stream.h"

namespace lathe::run {

// The next token, from the logits of all. An id that is none ends the session with an error.
using TokenChooser = std::function<int32_t(std::span<const float> logits)>;

struct SessionOptions {
  int64_t max_tokens = -1;            // of the answer; negative: until the context is full
  bool stop_at_end = true;            // at a token that ends an answer
  sample::SamplerOptions sampling{};  // as they are, the token with the largest logit, of equal ones the first
  std::vector<std::string> stop{};    // the answer ends before the first of them
  TokenChooser choose{};              // in place of sampling
  // What the answer must be; it ends where nothing else can follow, or by a token that ends an answer, which is allowed
  // where the text is complete only. nullptr: anything. Sessions may share one; a chooser knows none.
  std::shared_ptr<const grammar::Grammar> grammar{};
  // Is given the logits behind every token of the session, the prompt's too, with the token's position: what a
  // measurement wants. An error ends the session.
  std::function<Status(int64_t position, std::span<const float> logits)> each_logits{};
  int64_t logits_from = 0;  // the first position whose logits it is given; the prompt's last at the latest
  // Tokens that a pass guesses at most while this session is the only one that answers (PromptLookup). The answer is
  // the same, token by token; it comes faster where it repeats what stood before. 0: none.
  int64_t guess = 3;
};

enum class Finish : uint8_t { none, end_token, stop_string, max_tokens, context_full, cancelled, failed };

struct SessionEvent {
  int64_t session = 0;
  int32_t token = -1;            // a new one; -1: none
  std::string_view text{};       // whole characters that are certain now; valid during the call
  Finish finish = Finish::none;  // another: this is the session's last event
  Status status{};               // why it failed, or that its context is full
};

struct Session {
  Session(int64_t number, ops::KvText begun, SessionOptions o)
      : id(number), text(std::move(begun)), options(std::move(o)), lookup(options.each_logits ? 0 : options.guess) {}

  int64_t pending() const { return static_cast<int64_t>(ids.size()) - text.length(); }  // tokens without a pass
  int64_t answered() const { return static_cast<int64_t>(ids.size()) - prompt; }

  int64_t id;
  std::vector<int32_t> ids;  // the prompt, then the answer
  int64_t prompt = 0;        // tokens of it
  int64_t cached = 0;        // of these, that were in the cache when the session began
  ops::KvText text;
  models::DeviceText on_device;  // where a device has the keys and values, whose places alone are in `text` then
  SessionOptions options;
  std::optional<sample::Sampler> sampler;   // where options.choose is empty
  std::optional<grammar::Matcher> matcher;  // where there is a grammar
  std::optional<sample::TextStream> stream;
  PromptLookup lookup;
  bool ended = false;
};

}  // namespace lathe::run
