#include "run/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/checked.h"
#include "platform/clock.h"

namespace lathe::run {
namespace {

constexpr double kKeepLoss = 0.95, kKeepValidation = 0.5;

double seconds(int64_t ns) { return static_cast<double>(ns) * 1e-9; }

Status not_finite(int64_t step, const char* what, double value, const std::string& where = "") {
  return failed(fmt::format(
      "step {}: the {} is {}{}, needed: a finite number; training stops here, and the checkpoints before it are kept. "
      "A smaller --lr, a longer --warmup or a smaller --clip may help",
      step, what, value, where));
}

// Where numbers first stopped being finite.
std::string place_of(const std::vector<float>& ranges) {
  const auto bad = std::ranges::find_if(ranges, [](float range) { return !std::isfinite(range); });
  if (bad == ranges.end()) return ranges.empty() ? "" : " (what the layers gave is finite)";
  return bad == ranges.begin() ? " (the embedding gave no finite numbers)"
                               : fmt::format(" (layer {} gave no finite numbers)", bad - ranges.begin() - 1);
}

}  // namespace

// Where the time of a step goes: what is marked, by name, and by op what the model's profile took of it.
class Trainer::Clock {
 public:
  explicit Clock(const ops::Profile& profile) : profile_(profile), begun_(now_ns()), last_(begun_) {}

  void mark(std::string_view name) {
    const int64_t now = now_ns();
    add(name, now - last_);
    last_ = now;
  }
  void begin_ops() {
    mark("unaccounted");
    before_.clear();
    for (const auto& entry : profile_.entries()) before_.push_back(entry.ns);
  }
  // What the profile does not know of a pass goes to "unaccounted".
  void mark_ops() {
    const int64_t now = now_ns();
    int64_t known = 0;
    const auto entries = profile_.entries();
    for (size_t i = 0; i < entries.size(); ++i) {
      const int64_t ns = entries[i].ns - (i < before_.size() ? before_[i] : 0);
      if (ns > 0) add(entries[i].name, ns);
      known += ns;
    }
    add("unaccounted", now - last_ - known);
    compute_ += now - last_;
    last_ = now;
  }
  void finish(TrainEvent& event) {
    mark("unaccounted");
    event.seconds = seconds(last_ - begun_);
    for (const auto& [name, ns] : spent_) {
      event.phases.emplace_back(name, seconds(ns));
      if (name == "data" || name == "optimizer" || name == "network") compute_ += ns;
    }
    event.compute_seconds = seconds(compute_);
  }

 private:
  void add(std::string_view name, int64_t ns) {
    const auto known = std::ranges::find_if(spent_, [&](const auto& entry) { return entry.first == name; });
    if (known == spent_.end())
      spent_.emplace_back(name, ns);
    else
      known->second += ns;
  }

  const ops::Profile& profile_;
  int64_t begun_, last_, compute_ = 0;
  std::vector<int64_t> before_;
  std::vector<std::pair<std::string_view, int64_t>> spent_;
};

Trainer::Trainer(models::TrainModel& model, const TokenWindows& windows, const ValidationWindows* validation,
                 const TrainSettings& settings, TrainState state, const TrainHooks& hooks)
    : model_(model),
      windows_(windows),
      validation_(validation),
      settings_(settings),
      hooks_(hooks),
      state_(state),
      ranks_(model, hooks.group, hooks.reduce_in_order),
      inputs_(static_cast<size_t>(settings.batch * settings.context)),
      targets_(inputs_.size()),
      losses_(static_cast<size_t>(settings.accum)) {
  if (state_.step > 0) saved_step_ = state_.step;  // it came from a checkpoint
  model_.set_profile(&profile_);
}

Trainer::~Trainer() { model_.set_profile(nullptr); }

// The time since the last mark went by waiting for other ranks.
void Trainer::mark_network(Clock& clock) const {
  if (!ranks_.alone()) clock.mark("network");
}

// This rank's pass of the round that begins with pass `first`, and what the others add to its gradients. The loss.
Result<double> Trainer::pass(Clock& clock, int64_t first) {
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

// The mean loss of the step's passes; nothing where the run is to stop.
Result<std::optional<double>> Trainer::backward(Clock& clock) {
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

Status Trainer::check_loss(double loss) {
  if (std::isfinite(loss)) return {};
  return not_finite(state_.step + 1, "loss", loss, place_of(model_.activation_ranges()));
}

Status Trainer::make_step(Clock& clock, TrainEvent& event) {
  const int64_t step = state_.step + 1;
  if (Status status = check_loss(event.loss); !status.ok()) return status;
  const models::AdamW optimizer = optimizer_of(settings_, step);
  clock.mark("unaccounted");
  event.gradient_norm = model_.update(optimizer, step);
  clock.mark("optimizer");
  if (!std::isfinite(event.gradient_norm)) return not_finite(step, "norm of the gradients", event.gradient_norm);
  auto norms = model_.gradient_norms();
  event.part_norms = std::move(norms.parts);
  event.layer_norms = std::move(norms.layers);
  if (hooks_.ranges_every > 0 && step % hooks_.ranges_every == 0) {
    clock.mark("unaccounted");
    event.ranges = model_.activation_ranges();
    clock.mark("ranges");
  }
  const int64_t taken = settings_.batch * settings_.accum;
  state_.step = step;
  state_.position += taken;
  state_.loss.add(event.loss, kKeepLoss);
  event.step = step;
  event.smoothed = state_.loss.value();
  event.rate = optimizer.rate;
  event.tokens = taken * settings_.context;
  event.epoch = static_cast<double>(state_.position) / static_cast<double>(windows_.per_epoch());
  event.flops = model_.flops(settings_.batch, settings_.context) * static_cast<double>(settings_.accum);
  event.ceiling = hooks_.ceiling;
  return {};
}

// Not interrupted: what it finds is part of the state that is saved. Batches are divided among the ranks.
Result<bool> Trainer::evaluate() {
  const int64_t begun = now_ns();
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
  const double loss = std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(validation_->count());
  if (!std::isfinite(loss)) return not_finite(state_.step, "validation loss", loss);
  state_.validation.add(loss, kKeepValidation);
  const bool best = state_.best_step == 0 || state_.validation.value() < state_.best;
  if (best) {
    state_.best = state_.validation.value();
    state_.best_step = state_.step;
  }
  hooks_.emit({.kind = TrainEvent::Kind::evaluation,
               .step = state_.step,
               .loss = loss,
               .smoothed = state_.validation.value(),
               .best = best,
               .seconds = seconds(now_ns() - begun)});
  return best;
}

void Trainer::warn(std::string text) {
  hooks_.emit({.kind = TrainEvent::Kind::warning, .step = state_.step, .text = std::move(text)});
}

void Trainer::save(bool best) {
  if (!hooks_.save || state_.step == 0 || (saved_step_ == state_.step && !best)) return;
  const int64_t begun = now_ns();
  auto where = hooks_.save(state_, best);
  save_status_ = where.status();
  if (!where) return warn(where.status().message() + "; the checkpoints before it are kept, and training goes on");
  saved_step_ = state_.step;
  hooks_.emit({.kind = TrainEvent::Kind::checkpoint,
               .step = state_.step,
               .best = best,
               .seconds = seconds(now_ns() - begun),
               .text = std::move(*where)});
}

void Trainer::sample() {
  const int64_t begun = now_ns();
  auto text = hooks_.sample();
  if (!text) return warn("no sample: " + text.status().message());
  hooks_.emit({.kind = TrainEvent::Kind::sample,
               .step = state_.step,
               .seconds = seconds(now_ns() - begun),
               .text = std::move(*text)});
}

Result<Trainer::End> Trainer::run() {
  while (state_.step < settings_.steps) {
    Clock clock(profile_);
    TrainEvent event;
    const auto loss = backward(clock);
    if (!loss) return loss.status();
    if (!*loss) break;  // the gradients so far are dropped
    event.loss = **loss;
    if (Status status = make_step(clock, event); !status.ok()) return status;
    bool best = false;
    clock.mark("unaccounted");
    if (validation_ != nullptr && due(settings_.eval_every)) {
      const auto evaluated = evaluate();
      if (!evaluated) return evaluated.status();
      best = *evaluated;
      clock.mark("evaluation");
    }
    if (best || due(settings_.save_every)) save(best);
    clock.mark("saving");
    if (hooks_.sample && due(hooks_.sample_every)) {
      sample();
      clock.mark("sampling");
    }
    clock.finish(event);
    hooks_.emit(std::move(event));
  }
  save(false);
  if (!save_status_.ok()) return save_status_;
  return state_.step < settings_.steps ? End::stopped : End::finished;
}

}  // namespace lathe::run
