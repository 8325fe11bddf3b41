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

void EventThread::settle() {
  std::unique_lock lock(mutex_);
  const int64_t mine = ++asked_;
  wake_.notify_one();
  settled_.wait(lock, [&] { return done_ >= mine; });
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
    wake_.wait_until(lock, idle_at, [this] { return ending_ || asked_ > done_ || !queue_.empty(); });
    const bool empty = queue_.empty();
    if (empty || Clock::now() >= idle_at) {
      const bool ends = ending_ && empty;
      const int64_t asked = asked_;
      lock.unlock();
      if (idle_) idle_();
      lock.lock();
      if (empty) done_ = asked;
      settled_.notify_all();
      if (ends) return;
      idle_at = Clock::now() + kPause;
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
