// Things that take long to make, each made once: by whoever needs it first, or beforehand by a thread of their own.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace lathe {

template <class Key, class Value>
class OnceMaker {
 public:
  // Called from several threads at once, never twice at once for one key.
  using Make = std::function<Value(const Key&)>;
  explicit OnceMaker(Make make) : make_(std::move(make)) {}
  OnceMaker(const OnceMaker&) = delete;
  OnceMaker& operator=(const OnceMaker&) = delete;
  // Waits for the one that the thread is at, and drops those behind it.
  ~OnceMaker() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  // As it was made, or made here; where another thread is at it, its end is waited for.
  Value get(const Key& key) {
    std::unique_lock lock(mutex_);
    Entry* entry = find(key);
    if (entry == nullptr) entry = &entries_.emplace_back(key);
    if (entry->state == State::queued) {
      std::erase(queue_, entry);
      make(entry, lock);
    }
    changed_.wait(lock, [&] { return entry->state == State::made; });
    return entry->value;
  }

  // Has the thread make it, behind what was asked for before.
  void prepare(const Key& key) {
    {
      const std::lock_guard lock(mutex_);
      if (find(key) != nullptr) return;
      queue_.push_back(&entries_.emplace_back(key));
      if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    }
    changed_.notify_all();
  }

  bool ready(const Key& key) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(entries_.begin(), entries_.end(),
                       [&](const Entry& e) { return e.state == State::made && e.key == key; });
  }

  // The next get() makes it anew. Nobody may be within get() of this key.
  void forget(const Key& key) {
    const std::lock_guard lock(mutex_);
    entries_.remove_if([&](const Entry& e) { return e.state == State::made && e.key == key; });
  }

  int64_t made() const {
    const std::lock_guard lock(mutex_);
    return made_;
  }

 private:
  enum class State { queued, making, made };
  struct Entry {
    explicit Entry(Key k) : key(std::move(k)) {}
    Key key;
    State state = State::queued;
    Value value{};
  };

  Entry* find(const Key& key) {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key; });
    return found == entries_.end() ? nullptr : &*found;
  }

  void make(Entry* entry, std::unique_lock<std::mutex>& lock) {
    entry->state = State::making;
    lock.unlock();
    Value value = make_(entry->key);
    lock.lock();
    entry->value = std::move(value);
    entry->state = State::made;
    ++made_;
    changed_.notify_all();
  }

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stop_ || !queue_.empty(); });
      if (stop_) return;
      Entry* next = queue_.front();
      queue_.pop_front();
      make(next, lock);
    }
  }

  Make make_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Entry> entries_;  // a list: entries are pointed at while others come
  std::deque<Entry*> queue_;
  std::thread thread_;
  bool stop_ = false;
  int64_t made_ = 0;
};

}  // namespace lathe
