#include "models/decoder_rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/shown.h"
#include "quant/dequantize.h"

namespace lathe::models {
namespace {

constexpr FloatRange kFactor{1e-3, 1e6}, kBeta{1e-3, 1e6};

double frequency(const RopeRule& rule, int64_t i) {
  return std::pow(rule.base, -2.0 * static_cast<double>(i) / static_cast<double>(rule.rotary));
}

// The pair that makes so many turns over the original positions.
double pair_of_turns(double turns, const YarnScaling& scaling, const RopeRule& rule) {
  return static_cast<double>(rule.rotary) * std::log(scaling.original / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(rule.base));
}

double yarn_attention_factor(FieldReader& read, const std::string& at, double factor) {
  if (read.fields().has(at + "attention_factor")) return read.number(at + "attention_factor", kFactor);
  const double scale = read.number_or(at + "mscale", 0, {0, 1e6}),
               all = read.number_or(at + "mscale_all_dim", 0, {0, 1e6});
  if (scale == 0 || all == 0) return yarn_magnitude(factor);
  return yarn_magnitude(factor, scale) / yarn_magnitude(factor, all);
}

}  // namespace

double yarn_magnitude(double factor, double scale) { return factor <= 1 ? 1.0 : 0.1 * scale * std::log(factor) + 1.0; }

void apply_llama3(const Llama3Scaling& s, RopeRule& rule) {
  rule.factors.clear();
  for (int64_t i = 0; i < rule.rotary / 2; ++i) {
    const double wave = 2 * std::numbers::pi / frequency(rule, i);
    const double smooth = std::clamp((s.original / wave - s.low) / (s.high - s.low), 0.0, 1.0);
    // 1 for the short waves, which stay, 0 for the long ones, which are stretched whole.
    rule.factors.push_back(static_cast<float>(1 / ((1 - smooth) / s.factor + smooth)));
  }
}

void apply_yarn(const YarnScaling& s, RopeRule& rule) {
  double low = pair_of_turns(s.beta_fast, s, rule), high = pair_of_turns(s.beta_slow, s, rule);
  if (s.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(rule.rotary - 1));
  if (low == high) high += 0.001;  // as the reference has it
  rule.factors.clear();
  for (int64_t i = 0; i < rule.rotary / 2; ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    rule.factors.push_back(static_cast<float>(1 / (ramp / s.factor + (1 - ramp))));
  }
  rule.magnitude = s.magnitude;
}

Status read_rope_scaling(FieldReader& read, const std::string& object, int64_t positions, RopeRule& rule) {
  const Fields& config = read.fields();
  const std::string at = object + ".", field = at + (config.has(at + "rope_type") ? "rope_type" : "type");
  const auto type = config.string_or(field, "default");
  if (!type) return type.status();
  if (*type == "default") return {};
  const auto original = static_cast<double>(read.count_or(at + "original_max_position_embeddings", positions));
  if (*type == "linear") {
    rule.position_scale = read.number(at + "factor", kFactor);
  } else if (*type == "llama3") {
    const Llama3Scaling scaling = {.factor = read.number(at + "factor", kFactor),
                                   .low = read.number(at + "low_freq_factor", kBeta),
                                   .high = read.number(at + "high_freq_factor", kBeta),
                                   .original = original};
    if (!read.status().ok()) return read.status();
    if (scaling.high <= scaling.low)
      return corrupt(config.file() + ": " + at + "high_freq_factor is " + std::to_string(scaling.high) +
                     ", needed: more than low_freq_factor, which is " + std::to_string(scaling.low));
    apply_llama3(scaling, rule);
  } else if (*type == "yarn") {
    YarnScaling scaling = {.original = original};
    scaling.factor =
        config.has(at + "factor") ? read.number(at + "factor", kFactor) : static_cast<double>(positions) / original;
    scaling.beta_fast = read.number_or(at + "beta_fast", scaling.beta_fast, kBeta);
    scaling.beta_slow = read.number_or(at + "beta_slow", scaling.beta_slow, kBeta);
    scaling.truncate = read.flag_or(at + "truncate", true);
    scaling.magnitude = yarn_attention_factor(read, at, scaling.factor);
    if (!read.status().ok()) return read.status();
    apply_yarn(scaling, rule);
  } else {
    return unsupported(config.file() + ": " + field + " is " + shown(*type) +
                       ", needed: default, linear, llama3 or yarn");
  }
  return read.status();
}

Status read_rope_scaling(const Gguf& file, FieldReader& read, int64_t positions, RopeRule& rule) {
  const std::string at = "rope.scaling.", field = read.key(at + "type");
  const auto type = file.string_or(field, "none");
  if (!type) return type.status();
  if (*type == "linear") {
    rule.position_scale = read.number(at + "factor", kFactor);
  } else if (*type == "yarn") {
    YarnScaling scaling = {.factor = read.number(at + "factor", kFactor)};
    scaling.original = static_cast<double>(read.count_or(at + "original_context_length", positions));
    scaling.beta_fast = read.number_or(at + "yarn_beta_fast", scaling.beta_fast, kBeta);
    scaling.beta_slow = read.number_or(at + "yarn_beta_slow", scaling.beta_slow, kBeta);
    // What the reference multiplies its own by.
    scaling.magnitude = yarn_magnitude(scaling.factor) * read.number_or(at + "attn_factor", 1, kFactor);
    if (!read.status().ok()) return read.status();
    apply_yarn(scaling, rule);
  } else if (*type != "none") {
    return unsupported(file.file() + ": " + field + " is " + shown(*type) + ", needed: none, linear or yarn");
  }
  if (!read.status().ok() || file.tensors().find("rope_freqs.weight") == nullptr) return read.status();
  // Llama 3.1 and later: the scaling is written out by pair.
  const auto factors = file.tensors().require("rope_freqs.weight", {rule.rotary / 2});
  if (!factors) return factors.status();
  rule.factors.resize(static_cast<size_t>(rule.rotary / 2));
  return dequantize((*factors)->dtype, (*factors)->bytes, rule.rotary / 2, rule.factors.data());
}

}  // namespace lathe::models
