// All that is told of a training run while it goes: its log, TensorBoard's files, and somebody who watches, each by a
// thread for which no step waits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lathe/status.h"
#include "run/event_thread.h"
#include "run/tensorboard_log.h"
#include "run/train_event.h"
#include "run/train_log.h"
#include "run/train_loop.h"

namespace lathe::run {

// `watch` hears every event, on a thread of its own; `idle` is called there now and then; `stop` is asked between
// passes.
struct RunHooks {
  std::function<void(const TrainEvent&)> watch{};
  std::function<void()> idle{};
  std::function<bool()> stop{};
};

class RunRecord {
 public:
  struct Options {
    std::string folder{};
    std::optional<int64_t> from{};  // the step behind which the folder's log goes on; none: a new log
    std::string head{};             // the log's first line of the run, and of each time that it goes on
    bool tensorboard = false;
  };
  static Result<std::unique_ptr<RunRecord>> open(const Options& options, const RunHooks& hooks);

  void add(TrainEvent&& event);
  // Returns when the log holds all that was told: before a state is saved, so that a run that goes on from it has the
  // lines of all its steps, whatever becomes of this process.
  void settle() { to_log_.settle(); }
  // Behind the last event: how the run ended, at which step. What could not be written is an error in `end`'s place.
  Result<TrainLoop::End> finish(Result<TrainLoop::End> end, int64_t step);
  int64_t dropped() const { return to_log_.dropped() + to_watch_.dropped(); }

 private:
  RunRecord(TrainLog log, std::optional<TensorboardLog> board, const RunHooks& hooks);

  TrainLog log_;
  std::optional<TensorboardLog> board_;
  EventThread to_log_, to_watch_;
};

}  // namespace lathe::run
