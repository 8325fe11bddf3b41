// How well a model predicts a text: exp of the mean of -log p of its tokens.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "run/generator.h"

namespace lathe::run {

struct PerplexityOptions {
  int64_t context = 512;  // tokens of a window
  // 0: windows stand side by side, and of each the tokens behind its first half are scored, as llama.cpp does it; what
  // is left at the end of the text and fills no window is not. Another: windows begin so many tokens apart, and each
  // token is scored in the first window that has it, as the guide of transformers does it.
  int64_t stride = 0;
  std::function<void(int64_t done, int64_t windows)> progress{};
};

struct Perplexity {
  double value = 0;
  double error = 0;    // standard error of `value`
  double mean = 0;     // of -log p, in nats
  int64_t tokens = 0;  // of the text
  int64_t scored = 0;  // of these
  int64_t windows = 0;
};

// The tokens [begin, end) have a pass together, of which [first, end) are scored.
struct ScoredWindow {
  int64_t begin, end, first;
  bool operator==(const ScoredWindow&) const = default;
};
std::vector<ScoredWindow> perplexity_windows(int64_t tokens, int64_t context, int64_t stride);

// -log of the probability that `logits` give to `token`, in float64.
double negative_log_likelihood(std::span<const float> logits, int32_t token);

// Where windows stand side by side and the text begins with the tokenizer's token for that, every window does.
Result<Perplexity> perplexity(Generator& generator, std::span<const int32_t> ids, const PerplexityOptions& options);

}  // namespace lathe::run
