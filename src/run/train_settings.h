// What a training run does, but for the model and the data. A checkpoint keeps it, and --resume goes on by it.
#pragma once

#include <cstdint>
#include <string>

#include "lathe/status.h"
#include "models/train_model.h"

namespace lathe::run {

struct TrainSettings {
  int64_t steps = 1000;
  int64_t batch = 8;    // windows of one pass
  int64_t context = 0;  // tokens of a window; 0: what the model takes
  int64_t accum = 1;    // passes of one step
  double lr = 5e-4;
  std::string schedule = "cosine";  // cosine, linear or constant, after the warm-up
  int64_t warmup = -1;              // steps; -1: a twentieth, 1000 at most
  double min_lr = 0.1;              // where a schedule ends, as a share of lr
  std::string scale_lr = "none";    // by accum: none, linear or sqrt
  double beta1 = 0.9, beta2 = 0.95, weight_decay = 0.1, clip = 1.0;
  int64_t seed = 1;
  std::string precision = "f32";  // of the operands of products: f32 or bf16
  bool recompute = false;
  int64_t eval_every = 0;      // steps; 0: a twentieth of all, 250 at most
  int64_t eval_windows = 128;  // of one evaluation; 0: all
  int64_t save_every = 0;      // steps; 0: a tenth of all, 500 at most
  int64_t keep = 2;            // checkpoints, beside the best

  bool operator==(const TrainSettings&) const = default;
};

// Calls visit(name, field, fixed) for every field; what is fixed decides the weights, and a run that goes on keeps it.
template <class Settings, class Visit>
void visit_settings(Settings& s, Visit&& visit) {
  visit("steps", s.steps, false);
  visit("batch", s.batch, true);
  visit("context", s.context, true);
  visit("accum", s.accum, true);
  visit("lr", s.lr, true);
  visit("schedule", s.schedule, true);
  visit("warmup", s.warmup, true);
  visit("min_lr", s.min_lr, true);
  visit("scale_lr", s.scale_lr, true);
  visit("beta1", s.beta1, true);
  visit("beta2", s.beta2, true);
  visit("weight_decay", s.weight_decay, true);
  visit("clip", s.clip, true);
  visit("seed", s.seed, true);
  visit("precision", s.precision, true);
  visit("recompute", s.recompute, false);  // the same bits in less memory
  visit("eval_every", s.eval_every, false);
  visit("eval_windows", s.eval_windows, false);
  visit("save_every", s.save_every, false);
  visit("keep", s.keep, false);
}

// "weight_decay" is --weight-decay.
std::string option_name(const std::string& field);

// Puts numbers in place of what is left to a rule, for a model of `positions`; an error names the option, what was
// found and what was needed.
Status resolve(TrainSettings& settings, int64_t positions);

// The learning rate of step `step` (from 1): lr * step / (warmup + 1) up to the end of the warm-up, then down to
// min_lr * lr, which it has at the last step's end.
double learning_rate(const TrainSettings& settings, int64_t step);

models::AdamW optimizer_of(const TrainSettings& settings, int64_t step);

}  // namespace lathe::run
