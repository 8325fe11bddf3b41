#include "run/contrastive_trainer.h"

#include <algorithm>

#include "run/shuffle.h"

namespace lathe::run {

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
                                       const TrainSettings& settings, double temperature, TrainState state,
                                       const TrainHooks& hooks)
    : TrainLoop(settings, state, hooks), model_(model), split_(split), temperature_(static_cast<float>(temperature)) {
  model_.set_profile(&profile_);
}

ContrastiveTrainer::~ContrastiveTrainer() { model_.set_profile(nullptr); }

models::ContrastBatch ContrastiveTrainer::batch_of(const PairData& data, std::span<const int64_t> pairs) {
  data.fill(pairs, batch_);
  return {.texts = {batch_.ids, batch_.offsets},
          .identity = batch_.identity,
          .pairs = static_cast<int64_t>(pairs.size()),
          .negatives = data.negatives(),
          .temperature = temperature_};
}

models::ContrastBatch ContrastiveTrainer::training_batch(int64_t pass) {
  const auto seed = static_cast<uint64_t>(settings_.seed);
  const int64_t begin = state_.position + pass * settings_.batch;
  chosen_.clear();
  for (int64_t at = begin; at < begin + settings_.batch; ++at)
    chosen_.push_back(split_.train_pairs[static_cast<size_t>(shuffled(seed, at / pairs(), at % pairs(), pairs()))]);
  return batch_of(*split_.train, chosen_);
}

Result<std::optional<double>> ContrastiveTrainer::backward(StepClock& clock) {
  const auto passes = static_cast<double>(settings_.accum);
  double sum = 0;
  tokens_ = 0;
  flops_ = 0;
  for (int64_t pass = 0; pass < settings_.accum; ++pass) {
    if (hooks_.stop && hooks_.stop()) return std::optional<double>();
    clock.mark("unaccounted");
    const models::ContrastBatch batch = training_batch(pass);
    clock.mark("data");
    clock.begin_ops();
    const auto loss = model_.backward(batch, pass > 0, static_cast<float>(1 / passes));
    clock.mark_ops();
    if (!loss) return loss.status();
    sum += *loss / passes;
    tokens_ += batch.texts.tokens();
    flops_ += model_.flops(batch);
  }
  return std::optional<double>(sum);
}

void ContrastiveTrainer::describe(StepClock&, TrainEvent& event) {
  event.tokens = tokens_;
  event.flops = flops_;
  event.epoch = static_cast<double>(state_.position) / static_cast<double>(pairs());
}

// In batches of the same size as training's, so that the losses compare; what is left over is spread over them.
Result<double> ContrastiveTrainer::validate(TrainEvent& event) {
  const auto all = static_cast<int64_t>(split_.validation_pairs.size());
  const int64_t batches = (all + settings_.batch - 1) / settings_.batch;
  double loss = 0;
  int64_t first = 0;
  for (int64_t i = 0; i < batches; ++i) {
    const int64_t from = all * i / batches, to = all * (i + 1) / batches;
    if (to - from < 2) continue;  // of a batch of two and an odd count
    const auto some =
        std::span(split_.validation_pairs).subspan(static_cast<size_t>(from), static_cast<size_t>(to - from));
    const auto found = model_.evaluate(batch_of(*split_.validation, some));
    if (!found) return found.status();
    loss += found->loss * static_cast<double>(to - from);
    first += found->first;
  }
  event.recall = static_cast<double>(first) / static_cast<double>(all);
  return loss / static_cast<double>(all);
}

}  // namespace lathe::run
