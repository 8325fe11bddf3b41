// What a training run has of the other ranks: which passes of a step are its own, and what all of them found. Alone it
// is the one that makes all passes, and nothing is sent.
//
// Pass i of a step is made by rank i % size(); the windows of a pass do not depend on that. Gradients are added in the
// order of the passes (ranks/gradient_sum.h), so that every rank holds the sum of one process to the last bit, and
// makes the same update with it. With the weights all state is the same everywhere: any rank could save it, the norm
// needs nobody's part, and sums travel while the backward pass runs, which updated weights could not, as clipping needs
// all gradients first. What that costs is AdamW's pass over memory on every rank.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lathe/status.h"
#include "models/train_model.h"
#include "ranks/gradient_sum.h"
#include "ranks/group.h"

namespace lathe::run {

class TrainRanks {
 public:
  // `group` may be nullptr: alone. Not `in_order`: a rank adds up its own passes, and the ranks' sums are added at the
  // end of a step, which sends less and has other bits.
  TrainRanks(models::TrainModel& model, ranks::Group* group, bool in_order);

  bool alone() const { return group_ == nullptr; }
  int64_t rank() const { return alone() ? 0 : group_->rank(); }
  int64_t size() const { return alone() ? 1 : group_->size(); }

  // True everywhere where it is anywhere.
  Result<bool> any(bool mine);
  // Element i is that of rank i % size(): afterwards all are everybody's.
  Status share(std::span<double> values);

  // Pass `first` + rank() of the `passes` of step `step`, where there is such a one, and then finish(); `first` goes up
  // by size(). Behind the last finish() the model's gradients are those of the step. Returns the pass's loss.
  Result<double> backward(const models::TrainWindows& windows, int64_t first, int64_t passes, int64_t step);
  Status finish();  // waits for the gradients of the others

 private:
  models::TrainModel& model_;
  ranks::Group* const group_;
  const bool in_order_;
  std::optional<ranks::GradientSum> sum_;
  std::atomic<int64_t> final_from_{0};
  bool begun_ = false;
  std::vector<double> shared_;
};

}  // namespace lathe::run
