#include "ranks/group.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>

#include "ranks/fake_transport.h"

namespace lathe::ranks {
namespace {

constexpr int64_t kMs = 1'000'000;

std::span<const std::byte> bytes_of(const int& value) { return std::as_bytes(std::span(&value, 1)); }

Status exchange(Group& group, int value, std::array<int, 3>& all) {
  return group.exchange("the numbers", bytes_of(value),
                        std::as_writable_bytes(std::span(all).first(static_cast<size_t>(group.size()))));
}

TEST(Group, EveryoneGetsWhatEveryoneSaid) {
  for (const int size : {1, 2, 3})
    on_fake_ranks(size, {}, [&](Group& group) {
      for (int round = 0; round < 20; ++round) {
        std::array<int, 3> all{};
        ASSERT_TRUE(exchange(group, 100 * round + group.rank(), all).ok());
        for (int rank = 0; rank < size; ++rank) EXPECT_EQ(all[static_cast<size_t>(rank)], 100 * round + rank);
      }
      EXPECT_FALSE(group.host(size - 1).empty());
      EXPECT_TRUE(group.leave(""));
      EXPECT_TRUE(group.end().ok());
    });
}

TEST(Group, ARankThatIsSlowIsNotLost) {
  on_fake_ranks(2, {.beat_ns = 5 * kMs, .silence_ns = 150 * kMs}, [](Group& group) {
    if (group.rank() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(600));
    std::array<int, 3> all{};
    EXPECT_TRUE(exchange(group, 1, all).ok());
    EXPECT_TRUE(group.leave(""));
  });
}

// A group that is destroyed without a word is a process that was killed.
TEST(Group, ARankThatIsSilentIsNamedWithWhatWasAwaited) {
  std::atomic<int> alive{2};
  on_fake_ranks(3, {.beat_ns = 20 * kMs, .silence_ns = 300 * kMs}, [&](Group& group) {
    std::array<int, 3> all{};
    ASSERT_TRUE(exchange(group, 1, all).ok());
    if (group.rank() == 1) return;
    const Status status = exchange(group, 2, all);
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.message().find("rank 1 on host " + group.host(1) + " has given no sign of life for 0.3 s"),
              std::string::npos)
        << status.message();
    EXPECT_NE(status.message().find("was waiting for the numbers"), std::string::npos) << status.message();
    for (--alive; alive > 0;) std::this_thread::yield();  // both look at it before one goes
  });
}

TEST(Group, ARankThatEndsSaysWhy) {
  std::atomic<bool> spoke{false};
  on_fake_ranks(2, {.beat_ns = 5 * kMs}, [&](Group& group) {
    std::array<int, 3> all{};
    ASSERT_TRUE(exchange(group, 1, all).ok());  // so that the hosts are known
    if (group.rank() == 0) {
      EXPECT_FALSE(group.leave("the disk is gone"));
      return;
    }
    const Status status = exchange(group, 2, all);
    EXPECT_NE(status.message().find("rank 0 on host " + group.host(0) + " has ended: the disk is gone; rank 1"),
              std::string::npos)
        << status.message();
    EXPECT_TRUE(group.first_has_spoken());
    EXPECT_FALSE(group.leave(status.message()));
    spoke = true;
  });
  EXPECT_TRUE(spoke);
}

// All find the same error in what they exchanged, and end: each knows of its own, and none hears of another's first.
TEST(Group, WhatAllHaveIsNotLostToAnEnd) {
  for (int i = 0; i < 50; ++i)
    on_fake_ranks(3, {}, [&](Group& group) {
      std::array<int, 3> all{};
      const Status status = exchange(group, 1, all);
      EXPECT_TRUE(status.ok()) << status.message();
      EXPECT_FALSE(group.leave("these numbers are equal"));
    });
}

// Rank 0 has all and ends before rank 1 has heard of rank 2: what is on its way is awaited.
TEST(Group, AnEndDoesNotOvertakeWhatAnotherIsSending) {
  const auto late = [](int from, int to, int tag) {
    if (from == 2 && to == 1 && tag == kExchangeTag) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  };
  on_fake_ranks(
      3, {},
      [](Group& group) {
        std::array<int, 3> all{};
        const Status status = exchange(group, 1, all);
        EXPECT_TRUE(status.ok()) << status.message();
        EXPECT_FALSE(group.leave("these numbers are equal"));
      },
      late);
}

// The process computes and never asks: the thread speaks up itself.
TEST(Group, ALossThatNobodyAsksForIsTold) {
  std::atomic<int> told{0};
  Group::Options options{.beat_ns = 5 * kMs, .silence_ns = 100 * kMs, .grace_ns = 50 * kMs};
  options.lost = [&](const std::string& why) {
    EXPECT_NE(why.find("no sign of life"), std::string::npos);
    ++told;
  };
  on_fake_ranks(2, options, [&](Group& group) {
    if (group.rank() == 1) return;
    for (int i = 0; i < 500 && told == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  });
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace lathe::ranks
