#include "run/contrastive_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "platform/clock.h"
#include "run/shuffle.h"

namespace lathe::run {
namespace {

constexpr double kKeepLoss = 0.95;

double seconds_since(int64_t begun) { return static_cast<double>(now_ns() - begun) * 1e-9; }

Status not_finite(int64_t step, const char* what, double value) {
  return failed(fmt::format(
      "step {}: the {} is {}, needed: a finite number; training stops here, and the checkpoints before it are kept. A "
      "smaller --lr, a longer --warmup or a larger --temperature may help",
      step, what, value));
}

}  // namespace

PairSplit split_pairs(const PairData& data, double validation, int64_t most, uint64_t seed) {
  constexpr int64_t kNoEpoch = -1;  // an order that no epoch has
  PairSplit split{.train = &data, .validation = &data};
  const auto share = static_cast<int64_t>(validation * static_cast<double>(data.pairs()));
  const int64_t aside = std::min(share, most) < 2 ? 0 : std::min(share, most);
  for (int64_t i = 0; i < data.pairs(); ++i) {
    const int64_t pair = shuffled(seed, kNoEpoch, i, data.pairs());
    (i < aside ? split.validation_pairs : split.train_pairs).push_back(pair);
  }
  return split;
}

ContrastiveTrainer::ContrastiveTrainer(models::TrainEncoder& model, const PairSplit& split,
                                       const TrainSettings& settings, double temperature, const ContrastiveHooks& hooks)
    : model_(model), split_(split), settings_(settings), temperature_(static_cast<float>(temperature)), hooks_(hooks) {}

models::ContrastBatch ContrastiveTrainer::batch_of(const PairData& data, std::span<const int64_t> pairs) {
  data.fill(pairs, batch_);
  return {.texts = {batch_.ids, batch_.offsets},
          .identity = batch_.identity,
          .pairs = static_cast<int64_t>(pairs.size()),
          .negatives = data.negatives(),
          .temperature = temperature_};
}

// Passes over `batch` pairs each, and the optimizer. An epoch has an order of its own, and passes go on across its end.
Status ContrastiveTrainer::make_step(TrainEvent& event) {
  const int64_t step = state_.step + 1, begun = now_ns(), count = static_cast<int64_t>(split_.train_pairs.size());
  double sum = 0;
  for (int64_t pass = 0; pass < settings_.accum; ++pass) {
    chosen_.clear();
    for (int64_t i = 0; i < settings_.batch; ++i, ++state_.position) {
      const int64_t at =
          shuffled(static_cast<uint64_t>(settings_.seed), state_.position / count, state_.position % count, count);
      chosen_.push_back(split_.train_pairs[static_cast<size_t>(at)]);
    }
    const models::ContrastBatch batch = batch_of(*split_.train, chosen_);
    const auto loss = model_.backward(batch, pass > 0, 1.0f / static_cast<float>(settings_.accum));
    if (!loss) return loss.status();
    sum += *loss / static_cast<double>(settings_.accum);
    event.tokens += batch.texts.tokens();
    event.flops += model_.flops(batch);
  }
  event.phases.emplace_back("forward and backward", seconds_since(begun));
  if (!std::isfinite(sum)) return not_finite(step, "loss", sum);
  const int64_t updating = now_ns();
  const models::AdamW optimizer = optimizer_of(settings_, step);
  event.gradient_norm = model_.update(optimizer, step);
  if (!std::isfinite(event.gradient_norm)) return not_finite(step, "norm of the gradients", event.gradient_norm);
  event.phases.emplace_back("optimizer", seconds_since(updating));
  state_.step = step;
  state_.loss.add(sum, kKeepLoss);
  event.step = step;
  event.loss = sum;
  event.smoothed = state_.loss.value();
  event.rate = optimizer.rate;
  event.epoch = static_cast<double>(state_.position) / static_cast<double>(count);
  event.ceiling = hooks_.ceiling;
  event.compute_seconds = seconds_since(begun);
  return {};
}

// In batches of the same size as training's, so that the losses compare; what is left over is spread over them.
Result<bool> ContrastiveTrainer::evaluate() {
  const int64_t begun = now_ns(), all = static_cast<int64_t>(split_.validation_pairs.size());
  const int64_t batches = (all + settings_.batch - 1) / settings_.batch;
  double loss = 0;
  int64_t first = 0;
  for (int64_t i = 0; i < batches; ++i) {
    const int64_t from = all * i / batches, to = all * (i + 1) / batches;
    if (to - from < 2) continue;  // of a batch of two and an odd count
    const auto pairs =
        std::span(split_.validation_pairs).subspan(static_cast<size_t>(from), static_cast<size_t>(to - from));
    const auto found = model_.evaluate(batch_of(*split_.validation, pairs));
    if (!found) return found.status();
    loss += found->loss * static_cast<double>(to - from);
    first += found->first;
  }
  loss /= static_cast<double>(all);
  if (!std::isfinite(loss)) return not_finite(state_.step, "validation loss", loss);
  const bool best = state_.best_step == 0 || loss < state_.best;
  if (best) {
    state_.best = loss;
    state_.best_step = state_.step;
  }
  hooks_.emit({.kind = TrainEvent::Kind::evaluation,
               .step = state_.step,
               .loss = loss,
               .smoothed = loss,
               .best = best,
               .seconds = seconds_since(begun),
               .recall = static_cast<double>(first) / static_cast<double>(all)});
  return best;
}

void ContrastiveTrainer::save(bool best) {
  if (!hooks_.save || state_.step == 0 || (saved_step_ == state_.step && !best)) return;
  const int64_t begun = now_ns();
  auto where = hooks_.save(state_, best);
  save_status_ = where.status();
  if (!where) {
    hooks_.emit({.kind = TrainEvent::Kind::warning,
                 .step = state_.step,
                 .text = where.status().message() + "; the checkpoints before it are kept, and training goes on"});
    return;
  }
  saved_step_ = state_.step;
  hooks_.emit({.kind = TrainEvent::Kind::checkpoint,
               .step = state_.step,
               .best = best,
               .seconds = seconds_since(begun),
               .text = std::move(*where)});
}

Result<ContrastiveTrainer::End> ContrastiveTrainer::run() {
  while (state_.step < settings_.steps && !(hooks_.stop && hooks_.stop())) {
    const int64_t begun = now_ns();
    TrainEvent event;
    if (Status status = make_step(event); !status.ok()) return status;
    bool best = false;
    if (!split_.validation_pairs.empty() && due(settings_.eval_every)) {
      const int64_t evaluating = now_ns();
      const auto evaluated = evaluate();
      if (!evaluated) return evaluated.status();
      best = *evaluated;
      event.phases.emplace_back("evaluation", seconds_since(evaluating));
    }
    if (best || due(settings_.save_every)) {
      const int64_t saving = now_ns();
      save(best);
      event.phases.emplace_back("saving", seconds_since(saving));
    }
    event.seconds = seconds_since(begun);
    hooks_.emit(std::move(event));
  }
  save(false);
  if (!save_status_.ok()) return save_status_;
  return state_.step < settings_.steps ? End::stopped : End::finished;
}

}  // namespace lathe::run
