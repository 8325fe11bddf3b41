#include "platform/once_maker.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <latch>
#include <vector>

namespace lathe {
namespace {

using namespace std::chrono_literals;

TEST(OnceMaker, MakesEachOnceForWhoeverAsks) {
  std::atomic<int> calls{0};
  OnceMaker<int, int> maker([&](int key) {
    ++calls;
    return key * key;
  });
  EXPECT_FALSE(maker.ready(3));
  EXPECT_EQ(maker.get(3), 9);
  EXPECT_TRUE(maker.ready(3));
  EXPECT_EQ(maker.get(3), 9);
  maker.prepare(3);
  EXPECT_EQ(maker.get(4), 16);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(maker.made(), 2);
}

TEST(OnceMaker, AThreadMakesWhatIsPreparedAndGetWaitsForIt) {
  const auto here = std::this_thread::get_id();
  std::latch begun(1), go(1);
  std::atomic<bool> elsewhere{false};
  OnceMaker<int, int> maker([&](int key) {
    elsewhere = std::this_thread::get_id() != here;
    begun.count_down();
    go.wait();
    return key + 1;
  });
  maker.prepare(1);
  begun.wait();
  EXPECT_FALSE(maker.ready(1));
  std::thread later([&] {
    std::this_thread::sleep_for(5ms);
    go.count_down();
  });
  EXPECT_EQ(maker.get(1), 2);
  EXPECT_TRUE(elsewhere);
  later.join();
}

TEST(OnceMaker, WhatIsOnlyQueuedIsMadeByTheOneWhoNeedsIt) {
  const auto here = std::this_thread::get_id();
  std::latch begun(1), go(1);
  std::atomic<int> made_here{0};
  OnceMaker<int, int> maker([&](int key) {
    if (key == 0) begun.count_down(), go.wait();
    if (std::this_thread::get_id() == here) ++made_here;
    return key;
  });
  maker.prepare(0);
  begun.wait();
  maker.prepare(1);
  maker.prepare(2);
  EXPECT_EQ(maker.get(2), 2);  // the thread is still at 0
  EXPECT_EQ(made_here, 1);
  go.count_down();
  EXPECT_EQ(maker.get(1), 1);
  EXPECT_EQ(maker.get(0), 0);
  EXPECT_EQ(maker.made(), 3);
}

TEST(OnceMaker, WhatIsForgottenIsMadeAnew) {
  int calls = 0;
  OnceMaker<int, int> maker([&](int) { return ++calls; });
  EXPECT_EQ(maker.get(7), 1);
  maker.forget(7);
  EXPECT_FALSE(maker.ready(7));
  EXPECT_EQ(maker.get(7), 2);
}

TEST(OnceMaker, GoesWhileMuchIsQueued) {
  std::latch begun(1);
  std::atomic<int> calls{0};
  {
    OnceMaker<int, int> maker([&](int key) {
      if (++calls == 1) begun.count_down();
      std::this_thread::sleep_for(2ms);
      return key;
    });
    for (int key = 0; key < 1000; ++key) maker.prepare(key);
    begun.wait();
  }
  EXPECT_LT(calls, 1000);
}

TEST(OnceMaker, ManyThreadsGetTheSame) {
  for (int round = 0; round < 50; ++round) {
    std::array<std::atomic<int>, 16> calls{};
    OnceMaker<int, int> maker([&](int key) {
      ++calls[static_cast<size_t>(key)];
      return -key;
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 16; ++i) {
          const int key = (i * 5 + t * 3) % 16;
          if (i % 3 == t % 3) maker.prepare((key + 1) % 16);
          EXPECT_EQ(maker.get(key), -key);
          EXPECT_TRUE(maker.ready(key));
        }
      });
    for (std::thread& thread : threads) thread.join();
    for (const auto& count : calls) EXPECT_EQ(count, 1);
  }
}

}  // namespace
}  // namespace lathe
