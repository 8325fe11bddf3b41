#include "sampling_options.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "base/shown.h"

namespace lathe::cli {
namespace {

// ID=NUMBER, where the number may be -inf.
Result<std::pair<int32_t, float>> bias_of(const std::string& text) {
  const size_t equals = text.find('=');
  int32_t id = 0;
  float value = 0;
  const char *begin = text.data(), *middle = begin + std::min(equals, text.size()), *end = begin + text.size();
  const auto first = std::from_chars(begin, middle, id);
  const auto second = std::from_chars(std::min(middle + 1, end), end, value);
  if (equals == std::string::npos || first.ec != std::errc() || first.ptr != middle || second.ec != std::errc() ||
      second.ptr != end)
    return invalid_argument("--logit-bias is " + shown(text) + ", needed: a token's id and a number, as 13=-2.5");
  return std::pair(id, value);
}

}  // namespace

Result<sample::SamplerOptions> sampler_options(const SamplingOptions& options) {
  sample::SamplerOptions sampler = options.sampler;
  for (const std::string& text : options.logit_bias) {
    const auto bias = bias_of(text);
    if (!bias) return bias.status();
    sampler.logit_bias.push_back(*bias);
  }
  return sampler;
}

void adopt(const CLI::App& command, const sample::SamplerOptions& recommended, sample::SamplerOptions& options) {
  const auto unless_given = [&command](const char* name, auto& value, auto other) {
    if (command.count(name) == 0) value = other;
  };
  unless_given("--temperature", options.temperature, recommended.temperature);
  unless_given("--top-k", options.top_k, recommended.top_k);
  unless_given("--top-p", options.top_p, recommended.top_p);
  unless_given("--min-p", options.min_p, recommended.min_p);
  unless_given("--repetition-penalty", options.repetition_penalty, recommended.repetition_penalty);
}

void add_sampling_options(CLI::App& command, SamplingOptions& options) {
  constexpr const char* kGroup = "Sampling";
  sample::SamplerOptions& s = options.sampler;
  const auto number = [&](const char* name, auto& value, const char* what) {
    command.add_option(name, value, what)->group(kGroup)->type_name("X")->capture_default_str();
  };
  number("--temperature", s.temperature, "0: always the most probable token; 1: as the model has it");
  number("--top-k", s.top_k, "Keep the k most probable tokens; 0: all");
  number("--top-p", s.top_p, "Keep the most probable tokens that together have this probability");
  number("--min-p", s.min_p, "Keep tokens with at least this share of the most probable one's probability");
  number("--repetition-penalty", s.repetition_penalty, "Divides logits of tokens that were there; 1: none");
  number("--presence-penalty", s.presence_penalty, "Subtracted from logits of tokens that the answer has");
  number("--frequency-penalty", s.frequency_penalty, "Subtracted for every time that the answer has a token");
  number("--seed", s.seed, "The same seed gives the same text on every machine");
  command
      .add_option("--logit-bias", options.logit_bias, "Added to the logit of a token, as 13=-2.5, or 13=-inf to ban it")
      ->group(kGroup)
      ->allow_extra_args(false)
      ->type_name("ID=X");
}

}  // namespace lathe::cli
