// The loop of a training run: windows, passes, steps, evaluations; when something is saved or sampled, and when to end.
//
// The state between two steps is all there is. A run that is stopped inside an accumulation drops the gradients of its
// passes, so that what is saved is the last whole step, and a run that goes on makes them again: the bits are those of
// a run that never stopped.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lathe/status.h"
#include "models/train_model.h"
#include "ops/profile.h"
#include "ranks/group.h"
#include "run/token_windows.h"
#include "run/train_event.h"
#include "run/train_ranks.h"
#include "run/train_settings.h"
#include "run/train_state.h"

namespace lathe::run {

struct TrainHooks {
  std::function<void(TrainEvent&&)> emit{};  // never waits
  std::function<bool()> stop{};              // asked between passes
  // Keeps the state; `best`: of the least smoothed validation loss. The text is where.
  std::function<Result<std::string>(const TrainState& state, bool best)> save{};
  std::function<Result<std::string>()> sample{};
  int64_t sample_every = 0;  // steps; 0: never
  int64_t ranges_every = 0;  // the same, for the range of activations
  double ceiling = 0;        // FLOP/s, of all ranks
  // The other ranks of the run; nullptr: there are none. Each has a trainer of the same model, data, settings and
  // state, and all stop and end at the same step.
  ranks::Group* group = nullptr;
  bool reduce_in_order = true;  // TrainRanks
};

class Trainer {
 public:
  // All of them outlive the trainer. `settings` are resolved.
  Trainer(models::TrainModel& model, const TokenWindows& windows, const ValidationWindows* validation,
          const TrainSettings& settings, TrainState state, const TrainHooks& hooks);
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  enum class End : uint8_t { finished, stopped };
  // Up to the last step, or until hooks.stop. What is reached is saved in both cases. An error where a loss or a
  // gradient is not finite, which names the step; and where the last save failed.
  Result<End> run();

  const TrainState& state() const { return state_; }

 private:
  class Clock;
  Result<std::optional<double>> backward(Clock& clock);
  Result<double> pass(Clock& clock, int64_t first);
  void mark_network(Clock& clock) const;
  Status check_loss(double loss);
  Status make_step(Clock& clock, TrainEvent& event);
  Result<bool> evaluate();  // whether it is the best so far
  void save(bool best);
  void sample();
  void warn(std::string text);
  bool due(int64_t every) const { return every > 0 && (state_.step % every == 0 || state_.step == settings_.steps); }

  models::TrainModel& model_;
  const TokenWindows& windows_;
  const ValidationWindows* validation_;
  const TrainSettings& settings_;
  const TrainHooks& hooks_;
  TrainState state_;
  TrainRanks ranks_;
  std::vector<int32_t> inputs_, targets_;
  std::vector<double> losses_;  // of the passes of a step
  ops::Profile profile_;
  int64_t saved_step_ = -1;
  Status save_status_;
};

}  // namespace lathe::run
