// The loop of a training run, whatever it learns from: steps and evaluations; when something is saved or sampled, and
// when to end.
//
// The state between two steps is all there is. A run that is stopped inside an accumulation drops the gradients of its
// passes, so that what is saved is the last whole step, and a run that goes on makes them again: the bits are those of
// a run that never stopped.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "lathe/status.h"
#include "models/train_model.h"
#include "ops/profile.h"
#include "ranks/group.h"
#include "run/step_clock.h"
#include "run/train_event.h"
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

class TrainLoop {
 public:
  TrainLoop(const TrainLoop&) = delete;
  TrainLoop& operator=(const TrainLoop&) = delete;

  enum class End : uint8_t { finished, stopped };
  // Up to the last step, or until hooks.stop. What is reached is saved in both cases. An error where a loss or a
  // gradient is not finite, which names the step; and where the last save failed.
  Result<End> run();

  const TrainState& state() const { return state_; }

 protected:
  // `settings` are resolved; they and the hooks outlive the loop.
  TrainLoop(const TrainSettings& settings, TrainState state, const TrainHooks& hooks);
  virtual ~TrainLoop() = default;

  // The mean loss of the passes of the step behind state(); nothing where the run is to stop.
  virtual Result<std::optional<double>> backward(StepClock& clock) = 0;
  // The model's update by these gradients: their norm.
  virtual double update(const models::AdamW& optimizer, int64_t step) = 0;
  // What the event of the step that has been made says beside loss, norm and rate.
  virtual void describe(StepClock& clock, TrainEvent& event) = 0;
  virtual bool validates() const = 0;
  // The loss of the validation part, and what else the event says of it. Not interrupted: what it finds is part of the
  // state that is saved.
  virtual Result<double> validate(TrainEvent& event) = 0;
  virtual std::string place_of_failure() { return ""; }  // where numbers first stopped being finite, if that is known
  virtual const char* advice() const = 0;                // against numbers that are not finite

  const TrainSettings& settings_;
  const TrainHooks& hooks_;
  TrainState state_;
  ops::Profile profile_;  // the model's

 private:
  Status not_finite(int64_t step, const char* what, double value, const std::string& where = "") const;
  Status make_step(StepClock& clock, TrainEvent& event);
  Result<bool> evaluate();  // whether it is the best so far
  void save(bool best);
  void sample();
  void warn(std::string text);
  bool due(int64_t every) const { return every > 0 && (state_.step % every == 0 || state_.step == settings_.steps); }

  int64_t saved_step_ = -1;
  Status save_status_;
};

}  // namespace lathe::run
