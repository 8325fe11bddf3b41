#include "run/train_ranks.h"

#include <algorithm>
#include <string>

namespace lathe::run {

TrainRanks::TrainRanks(models::TrainModel& model, ranks::Group* group, bool in_order)
    : model_(model), group_(group), in_order_(in_order) {
  if (group_ != nullptr) sum_.emplace(*group_);
}

Result<bool> TrainRanks::any(bool mine) {
  if (alone()) return mine;
  std::vector<std::byte> all(static_cast<size_t>(size()));
  const std::byte own{mine};
  if (Status status = group_->exchange("the decision to go on", {&own, 1}, all); !status.ok()) return status;
  return std::ranges::any_of(all, [](std::byte each) { return each != std::byte{}; });
}

Status TrainRanks::share(std::span<double> values) {
  if (alone()) return {};
  shared_.resize(values.size() * static_cast<size_t>(size()));
  Status status = group_->exchange("the losses", std::as_bytes(values), std::as_writable_bytes(std::span(shared_)));
  if (!status.ok()) return status;
  for (size_t i = 0; i < values.size(); ++i) values[i] = shared_[i % static_cast<size_t>(size()) * values.size() + i];
  return {};
}

Result<double> TrainRanks::backward(const models::TrainWindows& windows, int64_t first, int64_t passes, int64_t step) {
  const float scale = 1.0f / static_cast<float>(passes);
  const bool further = first > 0, mine = first + rank() < passes, last = first + size() >= passes;
  if (alone() || (!in_order_ && !last)) return model_.backward(windows, further, scale);
  const auto elements = static_cast<int64_t>(model_.gradients().size());
  float* const sum = model_.gradients().data();
  float* const pass = further ? model_.pass_gradients().data() : sum;
  ranks::GradientRound round{.size = elements, .sum = sum, .last = last, .final_from = &final_from_};
  if (in_order_) {
    round.mine = mine ? pass : nullptr;
    round.contributors = static_cast<int>(std::min(size(), passes - first));
    round.further = further;
  } else {
    round.mine = sum;
    round.also = mine && further ? pass : nullptr;
    round.contributors = static_cast<int>(size());
  }
  final_from_.store(mine ? elements : 0, std::memory_order_relaxed);
  sum_->prepare(round);
  group_->begin(*sum_, "the gradients of step " + std::to_string(step));
  begun_ = true;
  if (!mine) return 0.0;
  return model_.backward_pass(windows, {.scale = scale, .second = further, .final_from = &final_from_});
}

Status TrainRanks::finish() {
  if (!begun_) return {};
  begun_ = false;
  return group_->wait();
}

}  // namespace lathe::run
