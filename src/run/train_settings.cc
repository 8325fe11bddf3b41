#include "run/train_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/shown.h"

namespace lathe::run {
namespace {

constexpr int64_t kMost = int64_t{1} << 40;

Status wrong(const char* field, const std::string& found, const std::string& needed) {
  return invalid_argument(option_name(field) + " is " + found + ", needed: " + needed);
}

Status check_counts(const TrainSettings& s, int64_t positions) {
  const struct {
    const char* field;
    int64_t value, least, most;
  } counts[] = {{"steps", s.steps, 1, kMost},           {"batch", s.batch, 1, 1 << 20},
                {"context", s.context, 1, positions},   {"accum", s.accum, 1, 1 << 20},
                {"warmup", s.warmup, 0, kMost},         {"seed", s.seed, 0, INT64_MAX},
                {"eval_every", s.eval_every, 1, kMost}, {"eval_windows", s.eval_windows, 0, kMost},
                {"save_every", s.save_every, 1, kMost}, {"keep", s.keep, 1, 1 << 20}};
  for (const auto& c : counts)
    if (c.value < c.least || c.value > c.most)
      return wrong(c.field, std::to_string(c.value), fmt::format("{} to {}", c.least, c.most));
  return {};
}

Status check_numbers(const TrainSettings& s) {
  if (!(s.lr > 0 && s.lr <= 1e3)) return wrong("lr", fmt::format("{}", s.lr), "more than 0, at most 1000");
  if (!(s.min_lr >= 0 && s.min_lr <= 1)) return wrong("min_lr", fmt::format("{}", s.min_lr), "a share from 0 to 1");
  if (!(s.beta1 >= 0 && s.beta1 < 1)) return wrong("beta1", fmt::format("{}", s.beta1), "0 to less than 1");
  if (!(s.beta2 >= 0 && s.beta2 < 1)) return wrong("beta2", fmt::format("{}", s.beta2), "0 to less than 1");
  if (!(s.weight_decay >= 0 && s.weight_decay <= 100))
    return wrong("weight_decay", fmt::format("{}", s.weight_decay), "0 to 100");
  if (!(s.clip >= 0 && s.clip <= 1e6)) return wrong("clip", fmt::format("{}", s.clip), "0 (none) to 1000000");
  if (s.schedule != "cosine" && s.schedule != "linear" && s.schedule != "constant")
    return wrong("schedule", shown(s.schedule), "cosine, linear or constant");
  if (s.scale_lr != "none" && s.scale_lr != "linear" && s.scale_lr != "sqrt")
    return wrong("scale_lr", shown(s.scale_lr), "none, linear or sqrt");
  if (s.precision != "f32" && s.precision != "bf16") return wrong("precision", shown(s.precision), "f32 or bf16");
  return {};
}

}  // namespace

std::string option_name(const std::string& field) {
  std::string name = "--" + field;
  std::ranges::replace(name, '_', '-');
  return name;
}

Status resolve(TrainSettings& s, int64_t positions) {
  if (s.context == 0) s.context = positions;
  if (s.warmup == -1) s.warmup = std::min<int64_t>(1000, s.steps / 20);
  if (s.eval_every == 0) s.eval_every = std::clamp<int64_t>(s.steps / 20, 1, 250);
  if (s.save_every == 0) s.save_every = std::clamp<int64_t>(s.steps / 10, 1, 500);
  if (Status status = check_counts(s, positions); !status.ok()) return status;
  return check_numbers(s);
}

double learning_rate(const TrainSettings& s, int64_t step) {
  const double by = s.scale_lr == "linear" ? static_cast<double>(s.accum)
                    : s.scale_lr == "sqrt" ? std::sqrt(static_cast<double>(s.accum))
                                           : 1.0;
  const double peak = s.lr * by;
  const int64_t before = step - 1;
  if (before < s.warmup) return peak * static_cast<double>(step) / static_cast<double>(s.warmup + 1);
  if (s.schedule == "constant" || s.steps <= s.warmup) return peak;
  const double way = std::min(1.0, static_cast<double>(before - s.warmup) / static_cast<double>(s.steps - s.warmup));
  const double left = s.schedule == "linear" ? 1 - way : 0.5 * (1 + std::cos(std::numbers::pi * way));
  return peak * (s.min_lr + (1 - s.min_lr) * left);
}

models::AdamW optimizer_of(const TrainSettings& s, int64_t step) {
  return {.rate = learning_rate(s, step), .beta1 = s.beta1, .beta2 = s.beta2, .decay = s.weight_decay, .clip = s.clip};
}

}  // namespace lathe::run
