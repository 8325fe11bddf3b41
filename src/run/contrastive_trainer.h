// A training run of an encoder on pairs of texts: the passes of a step, and its evaluations.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "lathe/status.h"
#include "models/train_encoder.h"
#include "run/pair_data.h"
#include "run/train_loop.h"

namespace lathe::run {

// Numbers of pairs: what a run trains on, and what it is evaluated on.
struct PairSplit {
  const PairData* train = nullptr;
  const PairData* validation = nullptr;
  std::vector<int64_t> train_pairs{}, validation_pairs{};  // validation: none, or at least two
};
// A part of the pairs is put aside for validation, at most `most` of them: which, is a function of the seed.
PairSplit split_pairs(const PairData& data, double validation, int64_t most, uint64_t seed);

class ContrastiveTrainer final : public TrainLoop {
 public:
  // All of them outlive the trainer. `settings` are resolved: a pass is of `batch` pairs.
  ContrastiveTrainer(models::TrainEncoder& model, const PairSplit& split, const TrainSettings& settings,
                     double temperature, TrainState state, const TrainHooks& hooks);
  ~ContrastiveTrainer() override;

 private:
  models::ContrastBatch batch_of(const PairData& data, std::span<const int64_t> pairs);
  // The pairs of pass `pass` of the step at hand. An epoch has an order of its own, and passes go on across its end.
  models::ContrastBatch training_batch(int64_t pass);
  Result<std::optional<double>> backward(StepClock& clock) override;
  double update(const models::AdamW& optimizer, int64_t step) override { return model_.update(optimizer, step); }
  void describe(StepClock& clock, TrainEvent& event) override;
  bool validates() const override { return !split_.validation_pairs.empty(); }
  Result<double> validate(TrainEvent& event) override;
  const char* advice() const override { return "A smaller --lr, a longer --warmup or a larger --temperature"; }
  int64_t pairs() const { return static_cast<int64_t>(split_.train_pairs.size()); }

  models::TrainEncoder& model_;
  const PairSplit& split_;
  const float temperature_;
  PairData::Batch batch_;
  std::vector<int64_t> chosen_;
  int64_t tokens_ = 0;  // of the step at hand
  double flops_ = 0;
};

}  // namespace lathe::run
