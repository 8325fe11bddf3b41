#include "platform/team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "platform/affinity.h"
#include "platform/clock.h"

namespace lathe {
namespace {

std::unique_ptr<Team> make_team(int threads, bool pin = false) {
  auto team = Team::create({.threads = threads, .pin = pin});
  EXPECT_TRUE(team.ok()) << team.status().message();
  return std::move(*team);
}

// Work that the compiler keeps.
void busy(int rounds) {
  for (int i = 0; i < rounds; ++i) __asm__ volatile("" ::: "memory");
}

class TeamOf : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Threads, TeamOf, testing::Values(1, 2, 3, 4, 7));

TEST_P(TeamOf, EveryWorkerEntersOnce) {
  const int threads = GetParam();
  const auto team = make_team(threads);
  EXPECT_EQ(team->size(), threads);
  const auto caller = std::this_thread::get_id();
  std::vector<int> entered(static_cast<size_t>(threads), 0);
  std::atomic<int> wrong{0};
  for (int round = 0; round < 100; ++round)
    team->run([&](Team::Worker& w) {
      ++entered[static_cast<size_t>(w.id())];
      if (w.count() != threads || (w.id() == 0) != (std::this_thread::get_id() == caller)) ++wrong;
    });
  EXPECT_EQ(entered, std::vector<int>(static_cast<size_t>(threads), 100));
  EXPECT_EQ(wrong, 0);
}

TEST_P(TeamOf, FewerWorkersThanTheTeamHas) {
  const auto team = make_team(GetParam());
  for (int round = 0; round < 50; ++round)
    for (int workers = 0; workers <= GetParam() + 1; ++workers) {
      const int expected = workers == 0 ? GetParam() : std::min(workers, GetParam());
      std::vector<int> entered(static_cast<size_t>(GetParam()), 0);
      team->run(
          [&](Team::Worker& w) {
            ++entered[static_cast<size_t>(w.id())];
            w.barrier();
            if (w.id() == 0) {
              EXPECT_EQ(std::accumulate(entered.begin(), entered.end(), 0), expected);
            }
            EXPECT_EQ(w.count(), expected);
          },
          workers);
      for (int id = 0; id < GetParam(); ++id) EXPECT_EQ(entered[static_cast<size_t>(id)], id < expected ? 1 : 0);
    }
}

TEST_P(TeamOf, WhatWasWrittenBeforeABarrierIsSeenAfterIt) {
  const int threads = GetParam();
  const auto team = make_team(threads);
  constexpr int kPhases = 2000;
  std::vector<int> cell(static_cast<size_t>(threads), -1);  // plain ints: only the barrier orders them
  std::atomic<int> stale{0};
  team->run([&](Team::Worker& w) {
    for (int phase = 0; phase < kPhases; ++phase) {
      busy((w.id() * 37 + phase * 11) % 200);
      cell[static_cast<size_t>(w.id())] = phase;
      w.barrier();
      for (const int value : cell) stale += value != phase;
      w.barrier();
    }
  });
  EXPECT_EQ(stale, 0);
}

TEST_P(TeamOf, NextHandsOutEachIndexOnceAndStartsAgainAfterAReset) {
  constexpr int kItems = 5000;
  const auto team = make_team(GetParam());
  for (int round = 0; round < 3; ++round) {
    std::vector<std::atomic<int>> taken(kItems);
    team->run([&](Team::Worker& w) {
      for (int counter = 0; counter < Team::Worker::kCounters; ++counter)
        for (int pass = 0; pass < 2; ++pass) {
          for (int64_t i = w.next(counter); i < kItems; i = w.next(counter)) ++taken[static_cast<size_t>(i)];
          w.barrier();
          if (w.id() == 0) w.reset_counter(counter);
          w.barrier();
        }
      w.next(0);  // left over: the next program starts at 0 all the same
    });
    for (const auto& count : taken) ASSERT_EQ(count, 2 * Team::Worker::kCounters);
  }
}

TEST_P(TeamOf, AHundredThousandBarriers) {
  const auto team = make_team(GetParam());
  std::atomic<int64_t> sum{0};
  // A team larger than the machine parks at every barrier: the same code, a tenth of the rounds.
  const int rounds = GetParam() > static_cast<int>(allowed_cpus().size()) ? 10'000 : 100'000;
  team->run([&](Team::Worker& w) {
    int64_t mine = 0;
    for (int i = 0; i < rounds; ++i, ++mine) w.barrier();
    sum += mine;
  });
  EXPECT_EQ(sum, int64_t{rounds} * GetParam());
}

TEST(Team, CrowdedAndDisturbedItStillMovesOn) {
  const auto team = make_team(8);
  std::atomic<bool> stop{false};
  std::thread neighbour([&] {
    while (!stop.load(std::memory_order_relaxed)) busy(1000);
  });
  constexpr int kBarriers = 10'000;
  const int64_t start = now_ns();
  team->run([](Team::Worker& w) {
    for (int i = 0; i < kBarriers; ++i) w.barrier();
  });
  const double seconds = static_cast<double>(now_ns() - start) * 1e-9;
  stop = true;
  neighbour.join();
  RecordProperty("microseconds_per_barrier", std::to_string(seconds / kBarriers * 1e6));
  std::printf("8 workers and a neighbour on %zu CPUs: %.1f us per barrier\n", allowed_cpus().size(),
              seconds / kBarriers * 1e6);
  // One scheduler slice (about 3 ms) per barrier would be 30 s; spinning through slices is worse.
  EXPECT_LT(seconds, 30.0);
}

TEST(Team, WorkersOnOneCpuDoNotSpinEachOtherOut) {
  const auto cpus = allowed_cpus();
  if (cpus.size() < 2) GTEST_SKIP() << "on one CPU the team is crowded from the start";
  const auto team = make_team(2);
  constexpr int kBarriers = 2000;
  std::atomic<int64_t> cpu_ns{0};
  team->run([&](Team::Worker& w) {
    bind_to_cpus({cpus[0]});  // as a busy neighbour on the other one brings about
    w.barrier();
    const int64_t start = thread_cpu_ns();
    for (int i = 0; i < kBarriers; ++i) w.barrier();
    cpu_ns += thread_cpu_ns() - start;
    bind_to_cpus(cpus);
  });
  // CPU time of both, which no neighbour changes: about 7 us a barrier, and 56 where each spins to its limit.
  EXPECT_LT(cpu_ns / kBarriers, 30'000);
}

TEST(Team, AtRestItTakesNoCpu) {
  const auto team = make_team(4);
  team->run([](Team::Worker& w) { w.barrier(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const int64_t before = process_cpu_ns();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_LT(process_cpu_ns() - before, 10'000'000);
}

TEST(Team, ParkedWorkersComeBack) {
  const auto team = make_team(3);
  int sum = 0;
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> entered{0};
    team->run([&](Team::Worker& w) {
      ++entered;
      if (w.id() == 1) std::this_thread::sleep_for(std::chrono::microseconds(300));  // the others park in the barrier
      w.barrier();
    });
    sum += entered;
  }
  EXPECT_EQ(sum, 60);
}

TEST(Team, TheCallerParksUntilTheLastWorkerLeaves) {
  const auto team = make_team(3);
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> left{0};
    team->run([&](Team::Worker& w) {
      if (w.id() != 0) std::this_thread::sleep_for(std::chrono::microseconds(200 * w.id()));
      ++left;
    });
    EXPECT_EQ(left, 3);
  }
}

TEST(Team, DestroyedHotParkedOrUnused) {
  for (int round = 0; round < 50; ++round) {
    make_team(3);
    make_team(3)->run([](Team::Worker& w) { w.barrier(); });
    const auto parked = make_team(2);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST(Team, DifferentThreadsMayRunItInTurn) {
  const auto team = make_team(2);
  int sum = 0;
  for (int round = 0; round < 10; ++round)
    std::thread([&] {
      team->run([&](Team::Worker& w) {
        if (w.id() == 0) ++sum;
        w.barrier();
      });
    }).join();
  EXPECT_EQ(sum, 10);
}

TEST(Team, PinnedWorkersAreBoundAndTheCallerIsGivenBack) {
  const auto before = allowed_cpus();
  ASSERT_FALSE(before.empty());
  {
    const int threads = static_cast<int>(before.size()) + 1;  // one more than CPUs: it wraps round
    const auto team = make_team(threads, true);
    std::vector<std::vector<int>> where(static_cast<size_t>(threads));
    team->run([&](Team::Worker& w) { where[static_cast<size_t>(w.id())] = allowed_cpus(); });
    for (size_t id = 0; id < where.size(); ++id)
      EXPECT_EQ(where[id], std::vector<int>{before[id % before.size()]}) << "worker " << id;
  }
  EXPECT_EQ(allowed_cpus(), before);
}

TEST(Team, AnImpossibleSizeIsRefusedInASentence) {
  for (const int threads : {-1, 1025}) {
    const auto team = Team::create({.threads = threads});
    ASSERT_FALSE(team.ok());
    EXPECT_EQ(team.status().code(), Code::invalid_argument);
    EXPECT_NE(team.status().message().find(std::to_string(threads)), std::string::npos);
  }
}

}  // namespace
}  // namespace lathe
