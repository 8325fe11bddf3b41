#include "run/step_clock.h"

#include <algorithm>

#include "platform/clock.h"

namespace lathe::run {
namespace {

double seconds(int64_t ns) { return static_cast<double>(ns) * 1e-9; }

}  // namespace

StepClock::StepClock(const ops::Profile& profile) : profile_(profile), begun_(now_ns()), last_(begun_) {}

void StepClock::mark(std::string_view name) {
  const int64_t now = now_ns();
  add(name, now - last_);
  last_ = now;
}

void StepClock::begin_ops() {
  mark("unaccounted");
  before_.clear();
  for (const auto& entry : profile_.entries()) before_.push_back(entry.ns);
}

void StepClock::mark_ops() {
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

void StepClock::finish(TrainEvent& event) {
  mark("unaccounted");
  event.seconds = seconds(last_ - begun_);
  for (const auto& [name, ns] : spent_) {
    event.phases.emplace_back(name, seconds(ns));
    if (name == "data" || name == "optimizer" || name == "network") compute_ += ns;
  }
  event.compute_seconds = seconds(compute_);
  spent_.clear();
  compute_ = 0;
  begun_ = last_;
}

void StepClock::add(std::string_view name, int64_t ns) {
  const auto known = std::ranges::find_if(spent_, [&](const auto& entry) { return entry.first == name; });
  if (known == spent_.end())
    spent_.emplace_back(name, ns);
  else
    known->second += ns;
}

}  // namespace lathe::run
