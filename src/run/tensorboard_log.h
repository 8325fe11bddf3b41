// A training run as TensorBoard reads it: RUN/tensorboard/events.out.tfevents.*, a new file for each time that it goes
// on. docs/train.md has the names.
#pragma once

#include <cstdint>
#include <string>

#include "lathe/status.h"
#include "run/train_event.h"

namespace lathe::run {

double unix_time();  // seconds since 1970

class TensorboardLog {
 public:
  // `step`: that the run goes on from; a reader forgets what it knew of later ones.
  static Result<TensorboardLog> open(const std::string& run, int64_t step);
  TensorboardLog(TensorboardLog&& other) noexcept;
  TensorboardLog& operator=(TensorboardLog&&) = delete;
  ~TensorboardLog();

  // Gathers records; flush() writes them. What cannot be written is told by status(), and nothing stops.
  void add(const TrainEvent& event, double time);
  void flush();
  const Status& status() const { return status_; }

 private:
  TensorboardLog(int file, std::string path) : file_(file), path_(std::move(path)) {}
  void record(const std::string& message);

  int file_;
  std::string path_, buffer_;
  Status status_;
};

}  // namespace lathe::run
