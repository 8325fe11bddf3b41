// The log of a training run: RUN/log.jsonl, a line of JSON for each event, and RUN/log.csv, a row for each step.
// docs/train.md has the fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lathe/status.h"
#include "run/train_event.h"

namespace lathe::run {

std::string event_json(const TrainEvent& event);  // without a line's end

class TrainLog {
 public:
  // Goes on behind what the files hold of steps up to `step`; lines of later steps, which the run makes again, and one
  // that a killed process left half written, are removed. `head` (JSON, may be empty) is written as a line first.
  static Result<TrainLog> open(const std::string& folder, int64_t step, const std::string& head);
  TrainLog(TrainLog&& other) noexcept;
  TrainLog& operator=(TrainLog&&) = delete;
  ~TrainLog();

  // Gathers lines; flush() writes them. What cannot be written is told by status(), and nothing stops.
  void add(const TrainEvent& event);
  void line(std::string_view json);
  void flush();
  const Status& status() const { return status_; }

 private:
  TrainLog(int lines, int rows) : lines_(lines), rows_(rows) {}

  int lines_, rows_;  // file descriptors
  std::string line_buffer_, row_buffer_;
  Status status_;
};

}  // namespace lathe::run
