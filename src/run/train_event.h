// What happens in a training run, as it is logged and shown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lathe::run {

struct TrainEvent {
  enum class Kind : uint8_t { step, evaluation, sample, checkpoint, warning };
  Kind kind = Kind::step;
  int64_t step = 0;

  double loss = 0, smoothed = 0;  // of a step or an evaluation
  bool best = false;              // evaluation, checkpoint: of the least smoothed validation loss so far
  double seconds = 0;             // that it took, a step with what came behind it: evaluation, sample, saving

  // Of an evaluation of pairs: the share whose positive is the nearest of the batch. Below 0: of none.
  double recall = -1;

  // Of a step.
  double rate = 0, gradient_norm = 0, epoch = 0;
  int64_t tokens = 0;
  double compute_seconds = 0;  // data, forward and backward, optimizer
  double flops = 0;            // of forward and backward
  double ceiling = 0;          // FLOP/s that this machine can do; 0: not known
  // Where the seconds went, by name; what is not accounted for is "unaccounted".
  std::vector<std::pair<std::string_view, double>> phases{};

  // Of the parts and the layers; the largest magnitude before each layer and behind the last, of steps that look.
  std::vector<std::pair<std::string_view, double>> part_norms{};
  std::vector<double> layer_norms{};
  std::vector<float> ranges{};

  std::string text{};  // a sample, a checkpoint's folder, a warning

  double tokens_per_second() const { return compute_seconds > 0 ? static_cast<double>(tokens) / compute_seconds : 0; }
  double flop_rate() const { return compute_seconds > 0 ? flops / compute_seconds : 0; }
};

}  // namespace lathe::run
