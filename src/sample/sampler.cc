#include "sample/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/checked.h"
#include "kernels/softmax/softmax.h"
#include "platform/cpu.h"
#include "sample/random.h"

namespace lathe::sample {
namespace {

constexpr float kBanned = -std::numeric_limits<float>::infinity();

// Whether all are finite, as a loop that is vectorised; `to` receives them with -0 as +0.
bool copy_finite(std::span<const float> from, float* to) {
  int32_t most = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    to[i] = from[i] + 0.0f;
    most = std::max(most, std::bit_cast<int32_t>(from[i]) & 0x7FFFFFFF);
  }
  return most < 0x7F800000;
}

}  // namespace

Result<Sampler> Sampler::create(const SamplerOptions& options, int64_t vocabulary) {
  if (Status status = check(options, vocabulary); !status.ok()) return status;
  return Sampler(options, vocabulary);
}

Sampler::Sampler(const SamplerOptions& options, int64_t vocabulary)
    : options_(options),
      vocabulary_(vocabulary),
      is_seen_(static_cast<size_t>(vocabulary)),
      answered_(static_cast<size_t>(vocabulary)),
      values_(static_cast<size_t>(vocabulary)),
      selection_(vocabulary) {
  seen_.reserve(static_cast<size_t>(vocabulary));
  kept_.reserve(static_cast<size_t>(vocabulary));
}

Status Sampler::start(std::span<const int32_t> prompt) {
  for (const int32_t token : prompt)
    if (token < 0 || token >= vocabulary_)
      return invalid_argument(
          fmt::format("the prompt has token {}, the vocabulary has 0 to {}", token, vocabulary_ - 1));
  for (const int32_t token : seen_) {
    is_seen_[static_cast<size_t>(token)] = false;
    answered_[static_cast<size_t>(token)] = 0;
  }
  seen_.clear();
  draws_ = 0;
  for (const int32_t token : prompt) note(token);
  return {};
}

Status Sampler::accept(int32_t token) {
  if (token < 0 || token >= vocabulary_)
    return invalid_argument(fmt::format("token {} was accepted, the vocabulary has 0 to {}", token, vocabulary_ - 1));
  note(token);
  ++answered_[static_cast<size_t>(token)];
  return {};
}

uint64_t Sampler::random_of(int64_t ahead) const {
  return random_bits(static_cast<uint64_t>(options_.seed), draws_ + static_cast<uint64_t>(ahead));
}

Status Sampler::accept_drawn(int32_t token) {
  Status status = accept(token);
  if (status.ok()) ++draws_;
  return status;
}

void Sampler::note(int32_t token) {
  if (is_seen_[static_cast<size_t>(token)]) return;
  is_seen_[static_cast<size_t>(token)] = true;
  seen_.push_back(token);
}

Result<int32_t> Sampler::sample(std::span<const float> logits, std::span<const uint64_t> allowed) {
  kept_.clear();
  const auto words = static_cast<size_t>(ceil_div(vocabulary_, 64));
  if (!allowed.empty() && allowed.size() != words)
    return invalid_argument(fmt::format("the mask of allowed tokens has {} words, a vocabulary of {} has {}",
                                        allowed.size(), vocabulary_, words));
  if (Status status = load(logits); !status.ok()) return status;
  penalize();
  if (!allowed.empty()) keep_allowed(allowed);
  return choose();
}

Status Sampler::load(std::span<const float> logits) {
  if (static_cast<int64_t>(logits.size()) != vocabulary_)
    return invalid_argument(
        fmt::format("{} logits were given, the vocabulary has {} tokens", logits.size(), vocabulary_));
  if (copy_finite(logits, values_.data())) return {};
  const auto bad = std::find_if(logits.begin(), logits.end(), [](float logit) { return !std::isfinite(logit); });
  return failed(
      fmt::format("the logit of token {} is {}, needed: a finite number (the model's weights or its input "
                  "are damaged, or a product overflowed)",
                  bad - logits.begin(), *bad));
}

void Sampler::penalize() {
  for (const auto& [id, bias] : options_.logit_bias) values_[static_cast<size_t>(id)] += bias;
  const float repetition = options_.repetition_penalty, presence = options_.presence_penalty,
              frequency = options_.frequency_penalty;
  if (repetition == 1.0f && presence == 0.0f && frequency == 0.0f) return;
  for (const int32_t token : seen_) {
    float& value = values_[static_cast<size_t>(token)];
    const auto count = static_cast<float>(answered_[static_cast<size_t>(token)]);
    value = value > 0.0f ? value / repetition : value * repetition;
    if (count > 0.0f) value -= count * frequency + presence;
    value += 0.0f;  // -0 may have come of it
  }
}

void Sampler::keep_allowed(std::span<const uint64_t> allowed) {
  for (size_t word = 0; word < allowed.size(); ++word) {
    const auto block = std::span(values_).subspan(word * 64, std::min<size_t>(64, values_.size() - word * 64));
    if (allowed[word] == 0)
      std::fill(block.begin(), block.end(), kBanned);
    else if (~allowed[word] != 0)
      for (size_t i = 0; i < block.size(); ++i)
        if ((allowed[word] >> i & 1) == 0) block[i] = kBanned;
  }
}

Result<int32_t> Sampler::choose() {
  selection_.scan(values_);
  const float most = selection_.max();
  if (most == kBanned) return failed("no token is allowed: biases and the grammar's mask exclude all");
  if (!std::isfinite(most)) return failed("a logit became infinite by its bias or penalty, needed: smaller ones");
  if (options_.temperature == 0.0f) return selection_.first_of_max(values_);

  const float reach = reach_of(options_);
  const int64_t count = selection_.gather(values_, options_.top_k, most - reach);
  const auto p = std::span(values_).first(static_cast<size_t>(count));
  for (float& value : p) value -= most;  // before the scale: a large logit over a small temperature is no f32
  softmax::best(cpu_features())
      .run({.rows = 1,
            .n = count,
            .x = p.data(),
            .x_row = count,
            .scale = scale_of(options_),
            .valid = count,
            .y = p.data(),
            .y_row = count});

  Cut cut{0.0f, std::numeric_limits<int32_t>::max()};
  if (options_.top_p < 1.0f) cut = selection_.nucleus(p, top_p_share(options_));
  const float least = options_.min_p * *std::max_element(p.begin(), p.end());
  if (least > cut.least) cut = {least, std::numeric_limits<int32_t>::max()};
  for (size_t i = 0; i < p.size(); ++i)
    if (cut.keeps(p[i], static_cast<int32_t>(i)) && weight_of(p[i]) > 0)
      kept_.push_back({selection_.ids()[i], weight_of(p[i])});
  return draw();
}

int32_t Sampler::draw() {
  uint64_t total = 0;
  for (const Candidate& candidate : kept_) total += candidate.weight;
  uint64_t left = random_below(static_cast<uint64_t>(options_.seed), draws_++, total);
  size_t at = 0;
  while (left >= kept_[at].weight) left -= kept_[at++].weight;
  return kept_[at].id;
}

}  // namespace lathe::sample
