#include "run/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/checked.h"

namespace lathe::run {

Trainer::Trainer(models::TrainModel& model, const TokenWindows& windows, const ValidationWindows* validation,
                 const TrainSettings& settings, TrainState state, const TrainHooks& hooks)
    : TrainLoop(settings, state, hooks),
      model_(model),
      windows_(windows),
      validation_(validation),
      ranks_(model, hooks.group, hooks.reduce_in_order),
      inputs_(static_cast<size_t>(settings.batch * settings.context)),
      targets_(inputs_.size()),
      losses_(static_cast<size_t>(settings.accum)) {
  model_.set_profile(&profile_);
}

Trainer::~Trainer() { model_.set_profile(nullptr); }

// The time since the last mark went by waiting for other ranks.
void Trainer::mark_network(StepClock& clock) const {
  if (!ranks_.alone()) clock.mark("network");
}

// This rank's pass of the round that begins with pass `first`, and what the others add to its gradients. The loss.
Result<double> Trainer::pass(StepClock& clock, int64_t first) {
  clock.mark("unaccounted");
  if (const int64_t pass = first + ranks_.rank(); pass < settings_.accum)
    windows_.fill(state_.position + pass * settings_.batch, settings_.batch, inputs_, targets_);
  clock.mark("data");
  clock.begin_ops();
  const auto loss =
      ranks_.backward({inputs_, targets_, settings_.batch, settings_.context}, first, settings_.accum, state_.step + 1);
  clock.mark_ops();
  if (!loss) return loss;
  Status status = ranks_.finish();
  mark_network(clock);
  return status.ok() ? loss : status;
}

Result<std::optional<double>> Trainer::backward(StepClock& clock) {
  std::ranges::fill(losses_, 0.0);
  for (int64_t first = 0; first < settings_.accum; first += ranks_.size()) {
    clock.mark("unaccounted");
    const auto stop = ranks_.any(hooks_.stop && hooks_.stop());
    mark_network(clock);
    if (!stop) return stop.status();
    if (*stop) return std::optional<double>();
    const auto loss = pass(clock, first);
    if (!loss) return loss.status();
    if (const int64_t at = first + ranks_.rank(); at < settings_.accum) losses_[static_cast<size_t>(at)] = *loss;
  }
  clock.mark("unaccounted");
  Status status = ranks_.share(losses_);
  mark_network(clock);
  if (!status.ok()) return status;
  const double sum = std::accumulate(losses_.begin(), losses_.end(), 0.0);
  return std::optional<double>(sum / static_cast<double>(settings_.accum));
}

std::string Trainer::place_of_failure() {
  const std::vector<float> ranges = model_.activation_ranges();
  const auto bad = std::ranges::find_if(ranges, [](float range) { return !std::isfinite(range); });
  if (bad == ranges.end()) return ranges.empty() ? "" : " (what the layers gave is finite)";
  return bad == ranges.begin() ? " (the embedding gave no finite numbers)"
                               : fmt::format(" (layer {} gave no finite numbers)", bad - ranges.begin() - 1);
}

void Trainer::describe(StepClock& clock, TrainEvent& event) {
  auto norms = model_.gradient_norms();
  event.part_norms = std::move(norms.parts);
  event.layer_norms = std::move(norms.layers);
  if (hooks_.ranges_every > 0 && state_.step % hooks_.ranges_every == 0) {
    clock.mark("unaccounted");
    event.ranges = model_.activation_ranges();
    clock.mark("ranges");
  }
  event.tokens = settings_.batch * settings_.accum * settings_.context;
  event.epoch = static_cast<double>(state_.position) / static_cast<double>(windows_.per_epoch());
  event.flops = model_.flops(settings_.batch, settings_.context) * static_cast<double>(settings_.accum);
}

// Batches are divided among the ranks.
Result<double> Trainer::validate(TrainEvent&) {
  std::vector<double> sums(static_cast<size_t>(ceil_div(validation_->count(), settings_.batch)));
  for (auto i = static_cast<size_t>(ranks_.rank()); i < sums.size(); i += static_cast<size_t>(ranks_.size())) {
    const int64_t at = static_cast<int64_t>(i) * settings_.batch;
    const int64_t count = std::min(settings_.batch, validation_->count() - at);
    const auto ids = static_cast<size_t>(count * settings_.context);
    validation_->fill(at, count, inputs_, targets_);
    const auto loss =
        model_.evaluate({std::span(inputs_).first(ids), std::span(targets_).first(ids), count, settings_.context});
    if (!loss) return loss.status();
    sums[i] = *loss * static_cast<double>(count);
  }
  if (Status status = ranks_.share(sums); !status.ok()) return status;
  return std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(validation_->count());
}

}  // namespace lathe::run
