// Where the time of a training step goes: what is marked, by name, and by op what the model's profile took of it. The
// phases of an event sum to its seconds.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "ops/profile.h"
#include "run/train_event.h"

namespace lathe::run {

class StepClock {
 public:
  explicit StepClock(const ops::Profile& profile);

  // The time since the last mark was spent on `name`, which outlives the event.
  void mark(std::string_view name);
  // What comes until mark_ops() is the model's. What the profile does not know of it goes to "unaccounted".
  void begin_ops();
  void mark_ops();
  // The phases of the event; what comes then is of the next step.
  void finish(TrainEvent& event);

 private:
  void add(std::string_view name, int64_t ns);

  const ops::Profile& profile_;
  int64_t begun_, last_, compute_ = 0;
  std::vector<int64_t> before_;
  std::vector<std::pair<std::string_view, int64_t>> spent_;
};

}  // namespace lathe::run
