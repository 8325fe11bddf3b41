// A training run on windows of tokens, with other ranks or alone: the passes of a step, and its evaluations.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lathe/status.h"
#include "models/train_model.h"
#include "run/token_windows.h"
#include "run/train_loop.h"
#include "run/train_ranks.h"

namespace lathe::run {

class Trainer final : public TrainLoop {
 public:
  // All of them outlive the trainer. `settings` are resolved.
  Trainer(models::TrainModel& model, const TokenWindows& windows, const ValidationWindows* validation,
          const TrainSettings& settings, TrainState state, const TrainHooks& hooks);
  ~Trainer() override;

 private:
  Result<std::optional<double>> backward(StepClock& clock) override;
  double update(const models::AdamW& optimizer, int64_t step) override { return model_.update(optimizer, step); }
  void describe(StepClock& clock, TrainEvent& event) override;
  bool validates() const override { return validation_ != nullptr; }
  Result<double> validate(TrainEvent& event) override;
  std::string place_of_failure() override;
  const char* advice() const override { return "A smaller --lr, a longer --warmup or a smaller --clip"; }
  Result<double> pass(StepClock& clock, int64_t first);
  void mark_network(StepClock& clock) const;

  models::TrainModel& model_;
  const TokenWindows& windows_;
  const ValidationWindows* validation_;
  TrainRanks ranks_;
  std::vector<int32_t> inputs_, targets_;
  std::vector<double> losses_;  // of the passes of a step
};

}  // namespace lathe::run
