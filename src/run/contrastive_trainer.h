// The loop of training an encoder on pairs: batches, steps, evaluations; when something is saved, and when to end.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lathe/status.h"
#include "models/train_encoder.h"
#include "run/pair_data.h"
#include "run/train_event.h"
#include "run/train_settings.h"
#include "run/train_state.h"

namespace lathe::run {

// Numbers of pairs: what a run trains on, and what it is evaluated on.
struct PairSplit {
  const PairData* train = nullptr;
  const PairData* validation = nullptr;
  std::vector<int64_t> train_pairs{}, validation_pairs{};  // validation: none, or at least two
};
// A part of the pairs is put aside for validation, at most `most` of them: which, is a function of the seed.
PairSplit split_pairs(const PairData& data, double validation, int64_t most, uint64_t seed);

struct ContrastiveHooks {
  std::function<void(TrainEvent&&)> emit{};  // never waits
  std::function<bool()> stop{};              // asked between passes
  // Keeps the state; `best`: of the least validation loss. The text is where.
  std::function<Result<std::string>(const TrainState& state, bool best)> save{};
  double ceiling = 0;  // FLOP/s
};

class ContrastiveTrainer {
 public:
  // All of them outlive the trainer. `settings` are resolved: a pass is of `batch` pairs.
  ContrastiveTrainer(models::TrainEncoder& model, const PairSplit& split, const TrainSettings& settings,
                     double temperature, const ContrastiveHooks& hooks);

  enum class End : uint8_t { finished, stopped };
  // Up to the last step, or until hooks.stop; what is reached is saved in both cases. An error where a loss or a
  // gradient is not finite, which names the step; and where the last save failed.
  Result<End> run();

  const TrainState& state() const { return state_; }

 private:
  models::ContrastBatch batch_of(const PairData& data, std::span<const int64_t> pairs);
  Status make_step(TrainEvent& event);
  Result<bool> evaluate();  // whether it is the best so far
  void save(bool best);
  bool due(int64_t every) const { return every > 0 && (state_.step % every == 0 || state_.step == settings_.steps); }

  models::TrainEncoder& model_;
  const PairSplit& split_;
  const TrainSettings& settings_;
  const float temperature_;
  const ContrastiveHooks& hooks_;
  TrainState state_;
  PairData::Batch batch_;
  std::vector<int64_t> chosen_;
  int64_t saved_step_ = 0;
  Status save_status_;
};

}  // namespace lathe::run
