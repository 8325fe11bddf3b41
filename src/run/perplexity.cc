#include "run/perplexity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace lathe::run {
namespace {

constexpr int64_t kLeastContext = 4;  // one token of such a window is scored

Status check(const Generator& generator, std::span<const int32_t> ids, const PerplexityOptions& options) {
  if (options.context < kLeastContext || options.context > generator.context())
    return invalid_argument(fmt::format("the context is {} tokens, needed: {} to the model's {}", options.context,
                                        kLeastContext, generator.context()));
  if (options.stride < 0 || options.stride > options.context)
    return invalid_argument(fmt::format("the stride is {} tokens, needed: at most the context's {}, or 0 for none",
                                        options.stride, options.context));
  const int64_t least = options.stride == 0 ? options.context : 2;
  if (std::ssize(ids) < least)
    return invalid_argument(fmt::format("the text has {} tokens, needed: {} or more{}", ids.size(), least,
                                        options.stride == 0 ? ", as many as the context (a smaller one will do)" : ""));
  return {};
}

// Sums over the tokens scored so far.
struct Score {
  double sum = 0, squares = 0;
  int64_t count = 0;

  void add(double loss) {
    sum += loss;
    squares += loss * loss;
    ++count;
  }
  void add(const Score& other) {
    sum += other.sum;
    squares += other.squares;
    count += other.count;
  }
  Perplexity result() const {
    Perplexity p;
    const auto n = static_cast<double>(count);
    p.scored = count;
    p.mean = sum / n;
    p.value = std::exp(p.mean);
    const double variance = squares / n - p.mean * p.mean;
    if (count > 1 && variance > 0) p.error = std::sqrt(variance / (n - 1)) * p.value;
    return p;
  }
};

struct Scored {
  std::vector<int32_t> tokens;  // the window's
  Score score;
};

Status start_window(Generator& generator, const ScoredWindow& window, const std::shared_ptr<Scored>& scored) {
  SessionOptions options;
  options.max_tokens = 0;
  options.logits_from = window.first - window.begin - 1;  // the logits behind a token are for the next
  options.each_logits = [scored](int64_t position, std::span<const float> logits) {
    if (position + 1 < std::ssize(scored->tokens))
      scored->score.add(negative_log_likelihood(logits, scored->tokens[static_cast<size_t>(position + 1)]));
    return Status();
  };
  return generator.start(scored->tokens, std::move(options)).status();
}

Status run_sessions(Generator& generator) {
  Status wrong;
  while (generator.busy()) {
    const Status status = generator.step([&wrong](const SessionEvent& event) {
      if (!event.status.ok()) wrong = event.status;
    });
    if (!status.ok()) return status;
  }
  return wrong;
}

// A device computes logits token by token, of as many texts as share a pass, whose keys and values all lie there. On
// the CPU a window's logits come of one pass.
int64_t windows_together(const Generator& generator, int64_t context) {
  constexpr int64_t kTokens = 8192;
  return generator.device() == nullptr ? 1
                                       : std::clamp<int64_t>(kTokens / context, 1, models::DeviceDecoder::kMostTexts);
}

}  // namespace

double negative_log_likelihood(std::span<const float> logits, int32_t token) {
  const double most = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - most);
  return std::log(sum) + most - logits[static_cast<size_t>(token)];
}

std::vector<ScoredWindow> perplexity_windows(int64_t tokens, int64_t context, int64_t stride) {
  std::vector<ScoredWindow> windows;
  if (stride == 0) {
    for (int64_t begin = 0; begin + context <= tokens; begin += context)
      windows.push_back({begin, begin + context, begin + context / 2 + 1});
    return windows;
  }
  for (int64_t begin = 0, scored = 0; scored < tokens; begin += stride) {
    const int64_t end = std::min(begin + context, tokens);
    const int64_t first = std::max(scored, begin + 1);  // nothing predicts a window's first token
    if (first < end) windows.push_back({begin, end, first});
    scored = end;
  }
  return windows;
}

Result<Perplexity> perplexity(Generator& generator, std::span<const int32_t> ids, const PerplexityOptions& options) {
  if (Status status = check(generator, ids, options); !status.ok()) return status;
  const auto windows = perplexity_windows(std::ssize(ids), options.context, options.stride);
  const auto tokenizer = generator.tokenizer();
  const int32_t bos = tokenizer ? (*tokenizer)->special().bos : -1;
  const bool each_begins = options.stride == 0 && bos >= 0 && ids.front() == bos;
  const auto together = static_cast<size_t>(windows_together(generator, options.context));
  Score score;
  for (size_t first = 0; first < windows.size(); first += together) {
    if (options.progress) options.progress(static_cast<int64_t>(first), std::ssize(windows));
    const auto group = std::span(windows).subspan(first, std::min(together, windows.size() - first));
    std::vector<std::shared_ptr<Scored>> scored;
    for (const ScoredWindow& window : group) {
      scored.push_back(std::make_shared<Scored>());
      scored.back()->tokens.assign(ids.begin() + window.begin, ids.begin() + window.end);
      if (each_begins) scored.back()->tokens.front() = bos;
      if (Status status = start_window(generator, window, scored.back()); !status.ok()) return status;
    }
    if (Status status = run_sessions(generator); !status.ok()) return status;
    for (const auto& window : scored) score.add(window->score);
  }
  Perplexity result = score.result();
  result.tokens = std::ssize(ids);
  result.windows = std::ssize(windows);
  return result;
}

}  // namespace lathe::run
