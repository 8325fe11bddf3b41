#include "tune/measure.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "platform/clock.h"
#include "platform/thread_times.h"

namespace lathe::tune {
namespace {

void spin_for(int64_t ns) {
  const int64_t end = now_ns() + ns;
  while (now_ns() < end) {
  }
}

TEST(Summarize, KnownData) {
  std::vector<double> samples;
  for (int i = 100; i >= 0; --i) samples.push_back(i);
  const Summary s = summarize(samples);
  EXPECT_EQ(s.samples, 101);
  EXPECT_DOUBLE_EQ(s.median, 50);
  EXPECT_DOUBLE_EQ(s.p95, 95);
  EXPECT_DOUBLE_EQ(s.min, 0);
  EXPECT_DOUBLE_EQ(s.spread, 1.0);  // (75 - 25) / 50
}

TEST(Summarize, FewSamples) {
  EXPECT_EQ(summarize({}).samples, 0);
  const Summary one = summarize({7});
  EXPECT_DOUBLE_EQ(one.median, 7);
  EXPECT_DOUBLE_EQ(one.p95, 7);
  EXPECT_DOUBLE_EQ(one.spread, 0);
  const Summary two = summarize({3, 1});
  EXPECT_DOUBLE_EQ(two.median, 2);
  EXPECT_DOUBLE_EQ(two.min, 1);
  EXPECT_NEAR(two.p95, 2.9, 1e-12);
}

TEST(Measure, OrdersContendersAndCountsSamples) {
  int64_t fast_calls = 0, slow_calls = 0;
  const std::vector<Contender> contenders = {{[&] { ++fast_calls, spin_for(200'000); }, 0},
                                             {[&] { ++slow_calls, spin_for(2'000'000); }, 0}};
  const auto measured = measure_interleaved(contenders, {.seconds = 0.03, .samples = 10, .patience = 100, .seed = 3});
  ASSERT_EQ(measured.size(), 2u);
  EXPECT_GE(measured[0].wall_ns.min, 200'000);
  EXPECT_GE(measured[1].wall_ns.min, 2'000'000);
  EXPECT_LT(measured[0].wall_ns.median, measured[1].wall_ns.median);
  EXPECT_GE(measured[0].wall_ns.samples, 10);
  EXPECT_GE(measured[1].wall_ns.samples, 10);
  EXPECT_GT(fast_calls, measured[0].wall_ns.samples);  // some were warm-up
  EXPECT_GT(slow_calls, measured[1].wall_ns.samples);
  EXPECT_GT(measured[1].cpu_ns.median, 1'000'000);
}

TEST(Measure, ShortCallsAreTimedInBatches) {
  std::atomic<int64_t> calls{0};
  const std::vector<Contender> contenders = {{[&] { calls.fetch_add(1); }, 0}};
  const auto measured = measure_interleaved(contenders, {.seconds = 0.02, .samples = 20, .patience = 4, .seed = 1});
  EXPECT_GT(calls, 100 * measured[0].wall_ns.samples);
  EXPECT_LT(measured[0].wall_ns.median, 5'000);
}

TEST(Measure, VerySlowContendersAreBounded) {
  int calls = 0;
  const std::vector<Contender> contenders = {{[&] { ++calls, spin_for(30'000'000); }, 30e6}};
  const auto measured = measure_interleaved(contenders, {.seconds = 0.005, .samples = 20, .patience = 2, .seed = 1});
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(measured[0].wall_ns.samples, 1);
  EXPECT_FALSE(measured[0].settled);
}

TEST(Measure, NoContendersIsNoWork) { EXPECT_TRUE(measure_interleaved({}, {}).empty()); }

TEST(Quiet, WaitsForASpinningThread) {
  std::atomic<bool> stop{false};
  std::thread spinner([&] {
    while (!stop) {
    }
  });
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stop = true;
  });
  const int64_t start = now_ns();
  const bool quiet = wait_until_quiet();
  EXPECT_TRUE(stop || !quiet);  // it may have given up where a busy machine let nobody stop the spinner
  EXPECT_GT(now_ns() - start, 5'000'000);
  spinner.join();
  stopper.join();
}

TEST(Quiet, GivesUpOnAThreadThatNeverRests) {
  std::atomic<bool> stop{false};
  std::thread spinner([&] {
    while (!stop) {
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_FALSE(wait_until_quiet());
  stop = true;
  spinner.join();
}

TEST(ThreadTimes, SeeAnotherThreadAtOnce) {
  std::atomic<bool> stop{false};
  std::thread spinner([&] {
    while (!stop) {
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const int64_t others = live_threads_cpu_ns() - thread_cpu_ns();
  int64_t used = 0;
  for (int i = 0; i < 100 && used < 100'000; ++i) {  // at once on a core of its own; a busy machine may take a while
    spin_for(20'000'000);
    used = live_threads_cpu_ns() - thread_cpu_ns() - others;
  }
  EXPECT_GE(used, 100'000);
  EXPECT_LT(used, 2'000'000'000);
  stop = true;
  spinner.join();
}

}  // namespace
}  // namespace lathe::tune
