#include "run/train_loop.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "platform/clock.h"

namespace lathe::run {
namespace {

constexpr double kKeepLoss = 0.95, kKeepValidation = 0.5;

double seconds_since(int64_t begun) { return static_cast<double>(now_ns() - begun) * 1e-9; }

}  // namespace

TrainLoop::TrainLoop(const TrainSettings& settings, TrainState state, const TrainHooks& hooks)
    : settings_(settings), hooks_(hooks), state_(state) {
  if (state_.step > 0) saved_step_ = state_.step;  // it came from a checkpoint
}

Status TrainLoop::not_finite(int64_t step, const char* what, double value, const std::string& where) const {
  return failed(fmt::format(
      "step {}: the {} is {}{}, needed: a finite number; training stops here, and the checkpoints before it are kept. "
      "{} may help",
      step, what, value, where, advice()));
}

Status TrainLoop::make_step(StepClock& clock, TrainEvent& event) {
  const int64_t step = state_.step + 1;
  if (!std::isfinite(event.loss)) return not_finite(step, "loss", event.loss, place_of_failure());
  const models::AdamW optimizer = optimizer_of(settings_, step);
  clock.mark("unaccounted");
  event.gradient_norm = update(optimizer, step);
  clock.mark("optimizer");
  if (!std::isfinite(event.gradient_norm)) return not_finite(step, "norm of the gradients", event.gradient_norm);
  state_.step = step;
  state_.position += settings_.batch * settings_.accum;
  state_.loss.add(event.loss, kKeepLoss);
  event.step = step;
  event.smoothed = state_.loss.value();
  event.rate = optimizer.rate;
  event.ceiling = hooks_.ceiling;
  describe(clock, event);
  return {};
}

Result<bool> TrainLoop::evaluate() {
  const int64_t begun = now_ns();
  TrainEvent event{.kind = TrainEvent::Kind::evaluation, .step = state_.step};
  const auto loss = validate(event);
  if (!loss) return loss.status();
  if (!std::isfinite(*loss)) return not_finite(state_.step, "validation loss", *loss);
  state_.validation.add(*loss, kKeepValidation);
  const bool best = state_.best_step == 0 || state_.validation.value() < state_.best;
  if (best) {
    state_.best = state_.validation.value();
    state_.best_step = state_.step;
  }
  event.loss = *loss;
  event.smoothed = state_.validation.value();
  event.best = best;
  event.seconds = seconds_since(begun);
  hooks_.emit(std::move(event));
  return best;
}

void TrainLoop::warn(std::string text) {
  hooks_.emit({.kind = TrainEvent::Kind::warning, .step = state_.step, .text = std::move(text)});
}

void TrainLoop::save(bool best) {
  if (!hooks_.save || state_.step == 0 || (saved_step_ == state_.step && !best)) return;
  const int64_t begun = now_ns();
  auto where = hooks_.save(state_, best);
  save_status_ = where.status();
  if (!where) return warn(where.status().message() + "; the checkpoints before it are kept, and training goes on");
  saved_step_ = state_.step;
  hooks_.emit({.kind = TrainEvent::Kind::checkpoint,
               .step = state_.step,
               .best = best,
               .seconds = seconds_since(begun),
               .text = std::move(*where)});
}

void TrainLoop::sample() {
  const int64_t begun = now_ns();
  auto text = hooks_.sample();
  if (!text) return warn("no sample: " + text.status().message());
  hooks_.emit({.kind = TrainEvent::Kind::sample,
               .step = state_.step,
               .seconds = seconds_since(begun),
               .text = std::move(*text)});
}

Result<TrainLoop::End> TrainLoop::run() {
  StepClock clock(profile_);
  while (state_.step < settings_.steps) {
    TrainEvent event;
    const auto loss = backward(clock);
    if (!loss) return loss.status();
    if (!*loss) break;  // the gradients so far are dropped
    event.loss = **loss;
    if (Status status = make_step(clock, event); !status.ok()) return status;
    bool best = false;
    clock.mark("unaccounted");
    if (validates() && due(settings_.eval_every)) {
      const auto evaluated = evaluate();
      if (!evaluated) return evaluated.status();
      best = *evaluated;
      clock.mark("evaluation");
    }
    if (hooks_.sample && due(hooks_.sample_every)) {
      sample();
      clock.mark("sampling");
    }
    clock.finish(event);
    hooks_.emit(std::move(event));
    // Behind the step's event, which is in the log before the checkpoint is there.
    if (!best && !due(settings_.save_every)) continue;
    clock.mark("unaccounted");
    save(best);
    clock.mark("saving");
  }
  save(false);
  if (!save_status_.ok()) return save_status_;
  return state_.step < settings_.steps ? End::stopped : End::finished;
}

}  // namespace lathe::run
