// Prompts to texts, one token after the other.
//
//   auto generator = lathe::Generator::open({.model = "stories15M.bin"});  // a folder, a file or a name
//   auto session = generator->start("Once upon a time", {.max_tokens = 100});
//   while (generator->busy())
//     auto status = generator->step([](const lathe::GeneratedToken& token) { std::cout << token.text; });
//
// Any number of sessions go on together: one step is one pass of the model with the next token of each, and with a part
// of the prompts that are not done. A session's tokens are the same alone or among others, with one thread or many, on
// any instruction set.
//
// ERRORS. Bad input is a Status with one sentence; nothing throws. What goes wrong with one session ends that one.
// THREADS. One thread at a time uses a Generator, but for cancel(); it has a team of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/status.h"

namespace lathe {

// How weights are kept in memory. automatic: each as the model's file has it, and blocks that are none of these as
// q8_0. q4_k, q5_k and q6_k: where rows are no multiple of 256 weights, as q8_0. bf16_b16: as bf16, with activations
// rounded to bf16, the fastest prompts where there are tiles (AMX).
enum class GenerateType : uint8_t { automatic, f32, bf16, q8_0, q4_0, f16, q4_1, q4_k, q5_k, q6_k, q8_a7, bf16_b16 };
// How keys and values of the tokens so far are kept.
enum class CacheType : uint8_t { f16, bf16, f32, q8_0 };

struct GenerateOptions {
  std::string model{};  // a folder or a file (safetensors, GGUF, llama2.c), or a Hugging Face name in the cache `hub`
  std::string hub{};    // the folder of models--organisation--name; empty: there is none
  GenerateType type = GenerateType::automatic;
  CacheType cache_type = CacheType::f16;
  int threads = 0;              // 0: what the machine recommends
  int64_t context = 0;          // tokens of a session, prompt and answer; 0: what the model takes
  int64_t prompt_tokens = 128;  // of prompts that share a pass with the other sessions' next tokens
  int64_t cache_bytes = 0;      // that keys and values of all sessions may take; 0: no limit
  // A folder in which packed weights are kept, so that the next start maps them instead of packing, and under
  // `pipelines` what a device's driver has compiled; empty: none.
  std::string cache{};
  // A Vulkan device, by its number in `lathe inspect devices`, that computes in place of the CPU. It takes weights of
  // f32, f16, q8_0 and q4_0, guesses no tokens, and needs cache_type f32. Its bits are its own (docs/gpu.md).
  std::optional<int64_t> device{};
};

// The next token, from the logits of all tokens.
using TokenChooser = std::function<int32_t(std::span<const float> logits)>;

// How the next token is drawn. The defaults change nothing: the token with the largest logit, of equal ones the first.
// The steps stand in this order; the same seed gives the same tokens on every machine (docs/generate.md).
struct Sampling {
  std::vector<std::pair<int32_t, float>> logit_bias{};  // token, what is added; minus infinity bans it
  float repetition_penalty = 1.0f;                      // CTRL's, on tokens of prompt and answer; 1: none
  float presence_penalty = 0.0f;                        // subtracted once from every token of the answer
  float frequency_penalty = 0.0f;                       // subtracted for every time that it stands there
  float temperature = 0.0f;                             // logits are divided by it; 0: the largest
  int64_t top_k = 0;                                    // keep the k most probable; 0: all
  float top_p = 1.0f;                                   // keep the fewest whose probabilities sum to it; 1: all
  float min_p = 0.0f;                                   // keep those with this share of the most probable one's
  int64_t seed = 0;                                     // 0 to 2^63 - 1
};

struct SessionOptions {
  int64_t max_tokens = -1;          // of the answer; negative: until the context is full
  bool stop_at_end = true;          // at a token that ends an answer
  Sampling sampling{};              // how tokens are chosen
  std::vector<std::string> stop{};  // the answer ends before the first of these
  TokenChooser choose = {};         // in place of sampling
  // Tokens at most that a pass guesses from what stood before, while no other session goes on. They change how fast an
  // answer comes that repeats something, and no token of it. 0: none; up to 31.
  int64_t guess = 3;
  // What the answer must be, in one of two ways; empty: anything. It ends where nothing else can follow, or where the
  // text is complete and the model ends it. Not together with a chooser.
  std::string grammar{};      // GBNF, llama.cpp's notation
  std::string json_schema{};  // a JSON schema: the answer is JSON that it allows
};

// Why a session has ended; none: it goes on.
enum class FinishReason : uint8_t { none, end_token, stop_string, max_tokens, context_full, cancelled, failed };

struct GeneratedToken {
  int64_t session = 0;
  int32_t token = -1;       // a new one; -1: none
  std::string_view text{};  // whole characters that are certain now; valid during the call
  FinishReason finish = FinishReason::none;
  Status status{};  // a sentence where it failed, was cancelled or has filled its context
};

class Generator {
 public:
  static Result<Generator> open(const GenerateOptions& options);

  Generator(Generator&&) noexcept;
  Generator& operator=(Generator&&) noexcept;
  ~Generator();

  int64_t context() const;     // tokens of a session
  int64_t vocabulary() const;  // tokens that a chooser sees the logits of
  // With the special tokens that the model wants before a text.
  Result<std::vector<int32_t>> tokens_of(std::string_view text) const;

  // A session that waits for its turn: the number by which the tokens of step() name it, and cancel().
  Result<int64_t> start(std::string_view prompt, const SessionOptions& options = {});
  Result<int64_t> start(std::span<const int32_t> prompt, const SessionOptions& options = {});
  bool busy() const;  // there are sessions that have not ended

  // One pass. Calls `each` for every new token and every end.
  Status step(const std::function<void(const GeneratedToken&)>& each);

  // Ends a session with the next step; a pass in progress is left at once. Any thread may call it.
  void cancel(int64_t session);

 private:
  struct Impl;
  explicit Generator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lathe
