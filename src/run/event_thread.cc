#include "run/event_thread.h"

#include <chrono>
#include <utility>

namespace lathe::run {

constexpr std::chrono::milliseconds kPause(100);  // between calls of idle

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
  using Clock = std::chrono::steady_clock;
  auto idle_at = Clock::now() + kPause;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait_until(lock, idle_at, [this] { return ending_ || !queue_.empty(); });
    if (queue_.empty() || Clock::now() >= idle_at) {
      const bool ends = ending_ && queue_.empty();
      lock.unlock();
      if (idle_) idle_();
      if (ends) return;
      idle_at = Clock::now() + kPause;
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
