#include "run/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "platform/clock.h"

namespace lathe::run {
namespace {

constexpr double kKeepLoss = 0.95, kKeepValidation = 0.5;

double seconds(int64_t ns) { return static_cast<double>(ns) * 1e-9; }

Status not_finite(int64_t step, const char* what, double value) {
  return failed(fmt::format(
      "step {}: the {} is {}, needed: a finite number; training stops here, and the checkpoints before it are kept. A "
      "smaller --lr, a longer --warmup or a smaller --clip may help",
      step, what, value));
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
      if (name == "data" || name == "optimizer") compute_ += ns;
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
      inputs_(static_cast<size_t>(settings.batch * settings.context)),
      targets_(inputs_.size()) {
  if (state_.step > 0) saved_step_ = state_.step;  // it came from a checkpoint
  model_.set_profile(&profile_);
}

Trainer::~Trainer() { model_.set_profile(nullptr); }

// The mean loss of the step's passes; nothing where the run is to stop.
Result<std::optional<double>> Trainer::backward(Clock& clock) {
  double sum = 0;
  const float scale = 1.0f / static_cast<float>(settings_.accum);
  for (int64_t pass = 0; pass < settings_.accum; ++pass) {
    if (hooks_.stop && hooks_.stop()) return std::optional<double>();
    clock.mark("unaccounted");
    windows_.fill(state_.position + pass * settings_.batch, settings_.batch, inputs_, targets_);
    clock.mark("data");
    clock.begin_ops();
    const auto loss = model_.backward({inputs_, targets_, settings_.batch, settings_.context}, pass > 0, scale);
    clock.mark_ops();
    if (!loss) return loss.status();
    sum += *loss;
  }
  return std::optional<double>(sum / static_cast<double>(settings_.accum));
}

Status Trainer::make_step(Clock& clock, TrainEvent& event) {
  const int64_t step = state_.step + 1;
  if (!std::isfinite(event.loss)) return not_finite(step, "loss", event.loss);
  const models::AdamW optimizer = optimizer_of(settings_, step);
  clock.mark("unaccounted");
  event.gradient_norm = model_.update(optimizer, step);
  clock.mark("optimizer");
  if (!std::isfinite(event.gradient_norm)) return not_finite(step, "norm of the gradients", event.gradient_norm);
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

// Not interrupted: what it finds is part of the state that is saved.
Result<bool> Trainer::evaluate() {
  const int64_t begun = now_ns();
  double sum = 0;
  for (int64_t at = 0; at < validation_->count(); at += settings_.batch) {
    const int64_t count = std::min(settings_.batch, validation_->count() - at);
    const auto ids = static_cast<size_t>(count * settings_.context);
    validation_->fill(at, count, inputs_, targets_);
    const auto loss =
        model_.evaluate({std::span(inputs_).first(ids), std::span(targets_).first(ids), count, settings_.context});
    if (!loss) return loss.status();
    sum += *loss * static_cast<double>(count);
  }
  const double loss = sum / static_cast<double>(validation_->count());
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
  const auto stopped = [&] { return hooks_.stop && hooks_.stop(); };
  while (state_.step < settings_.steps && !stopped()) {
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
