#include "run/event_thread.h"

#include <chrono>
#include <utility>

namespace lathe::run {

EventThread::EventThread(std::function<void(const TrainEvent&)> handle, std::function<void()> idle, size_t most)
    : handle_(std::move(handle)), idle_(std::move(idle)), most_(most), thread_([this] { work(); }) {}

EventThread::~EventThread() { finish(); }

void EventThread::push(TrainEvent event) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= most_) {
      ++dropped_;
      return;
    }
    queue_.push_back(std::move(event));
  }
  wake_.notify_one();
}

void EventThread::finish() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

int64_t EventThread::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

void EventThread::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool woken =
        wake_.wait_for(lock, std::chrono::milliseconds(100), [this] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) {
      const bool ends = woken;
      lock.unlock();
      if (idle_) idle_();
      if (ends) return;
      lock.lock();
      continue;
    }
    const TrainEvent event = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    handle_(event);
    lock.lock();
  }
}

}  // namespace lathe::run
