#include "run/event_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

namespace lathe::run {
namespace {

TEST(EventThread, HandlesAllInOrder) {
  std::vector<int64_t> seen;
  EventThread thread([&](const TrainEvent& event) { seen.push_back(event.step); }, nullptr, 10'000);
  for (int64_t i = 0; i < 5000; ++i) thread.push({.step = i});
  thread.finish();
  ASSERT_EQ(seen.size(), 5000u);
  for (int64_t i = 0; i < 5000; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], i);
  EXPECT_EQ(thread.dropped(), 0);
}

// A handler that stands still: pushing does not, and what finds no room is counted.
TEST(EventThread, NeverWaitsForTheHandler) {
  std::mutex gate;
  gate.lock();
  std::atomic<int64_t> handled{0};
  EventThread thread(
      [&](const TrainEvent&) {
        const std::lock_guard wait(gate);
        ++handled;
      },
      nullptr, 8);
  for (int64_t i = 0; i < 100; ++i) thread.push({.step = i});
  EXPECT_GE(thread.dropped(), 91);  // 8 in the queue, one in hand
  gate.unlock();
  thread.finish();
  EXPECT_EQ(handled + thread.dropped(), 100);
}

TEST(EventThread, CallsIdleAmongEventsThatNeverCease) {
  std::atomic<int> idle{0};
  EventThread thread([](const TrainEvent&) {}, [&] { ++idle; });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (idle.load() < 2 && std::chrono::steady_clock::now() < end) {
    thread.push({});
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_GE(idle.load(), 2);
}

TEST(EventThread, SettlesBehindWhatWasPushed) {
  std::atomic<int64_t> handled{0}, at_idle{0};
  EventThread thread([&](const TrainEvent&) { ++handled; }, [&] { at_idle = handled.load(); });
  for (int64_t all = 100; all <= 500; all += 100) {
    for (int i = 0; i < 100; ++i) thread.push({});
    thread.settle();
    EXPECT_EQ(at_idle.load(), all);
  }
}

TEST(EventThread, CallsIdleAtTheEnd) {
  std::atomic<int> idle{0};
  EventThread thread([](const TrainEvent&) {}, [&] { ++idle; });
  thread.finish();
  EXPECT_GE(idle.load(), 1);
}

}  // namespace
}  // namespace lathe::run
