#include "sample/sampler_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace lathe::sample {
namespace {

struct Range {
  const char* name;
  float value, least, most;
  const char* allowed;
};

Status check_range(const Range& range) {
  if (range.value >= range.least && range.value <= range.most) return {};  // false for NaN
  return invalid_argument(fmt::format("{} is {}, allowed are {}", range.name, range.value, range.allowed));
}

Status check_bias(std::pair<int32_t, float> entry, int64_t vocabulary) {
  const auto [id, bias] = entry;
  if (id < 0 || id >= vocabulary)
    return invalid_argument(fmt::format("logit_bias names token {}, the vocabulary has 0 to {}", id, vocabulary - 1));
  if (std::isfinite(bias) || bias == -std::numeric_limits<float>::infinity()) return {};
  return invalid_argument(
      fmt::format("logit_bias of token {} is {}, allowed are finite numbers and minus infinity", id, bias));
}

}  // namespace

Status check(const SamplerOptions& options, int64_t vocabulary) {
  if (vocabulary < 1 || vocabulary > kMostTokens)
    return invalid_argument(
        fmt::format("a vocabulary of {} tokens cannot be sampled, allowed are 1 to {}", vocabulary, kMostTokens));
  // Below 1e-6 the differences of logits, divided by it, leave the range of f32.
  const float coldest = options.temperature == 0.0f ? 0.0f : 1e-6f;
  const Range ranges[] = {
      {"temperature", options.temperature, coldest, 1000.0f, "0 (greedy) and 1e-06 to 1000"},
      {"top_p", options.top_p, std::numeric_limits<float>::denorm_min(), 1.0f, "numbers above 0 and up to 1 (all)"},
      {"min_p", options.min_p, 0.0f, 1.0f, "0 (all) to 1"},
      {"repetition_penalty", options.repetition_penalty, 0.01f, 100.0f, "0.01 to 100, where 1 is none"},
      {"presence_penalty", options.presence_penalty, -100.0f, 100.0f, "-100 to 100"},
      {"frequency_penalty", options.frequency_penalty, -100.0f, 100.0f, "-100 to 100"},
  };
  for (const Range& range : ranges)
    if (Status status = check_range(range); !status.ok()) return status;
  if (options.top_k < 0)
    return invalid_argument(fmt::format("top_k is {}, allowed are 0 (all) and more", options.top_k));
  if (options.seed < 0)
    return invalid_argument(
        fmt::format("seed is {}, allowed are 0 to {}", options.seed, std::numeric_limits<int64_t>::max()));
  for (const auto& entry : options.logit_bias)
    if (Status status = check_bias(entry, vocabulary); !status.ok()) return status;
  return {};
}

bool is_plain(const SamplerOptions& options) {
  return options.repetition_penalty == 1 && options.presence_penalty == 0 && options.frequency_penalty == 0 &&
         options.logit_bias.empty();
}

float scale_of(const SamplerOptions& options) { return 1.0f / options.temperature; }

float reach_of(const SamplerOptions& options) {
  constexpr float kWidest = 28.0f;  // exp(-28) is below 2^-40: such a token has no weight
  return kWidest * options.temperature;
}

uint64_t top_p_share(const SamplerOptions& options) {
  return std::max(uint64_t{1}, static_cast<uint64_t>(std::ldexp(double{options.top_p}, 64)));
}

}  // namespace lathe::sample
