// Events to somebody who may be slow, a disk or a terminal, without waiting for him: a bounded queue, a thread that
// empties it, and a count of what found no room.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "run/train_event.h"

namespace lathe::run {

class EventThread {
 public:
  // `handle` is called by the thread, once for each event, in order. `idle`, where there is one, every tenth of a
  // second, however many events there are, and at the end.
  EventThread(std::function<void(const TrainEvent&)> handle, std::function<void()> idle, size_t most = 4096);
  ~EventThread();
  EventThread(const EventThread&) = delete;
  EventThread& operator=(const EventThread&) = delete;

  // Never waits for the handler.
  void push(TrainEvent event);
  // Returns when all that was pushed has been handled, and idle called behind it.
  void settle();
  // Handles what is left and ends the thread.
  void finish();
  int64_t dropped() const;

 private:
  void work();

  const std::function<void(const TrainEvent&)> handle_;
  const std::function<void()> idle_;
  const size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable wake_, settled_;
  std::deque<TrainEvent> queue_;
  int64_t dropped_ = 0;
  int64_t asked_ = 0, done_ = 0;  // calls of settle()
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace lathe::run
