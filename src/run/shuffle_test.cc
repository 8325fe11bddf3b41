#include "run/shuffle.h"

#include <gtest/gtest.h>

#include <vector>

namespace lathe::run {
namespace {

std::vector<int64_t> order(uint64_t seed, int64_t epoch, int64_t count) {
  std::vector<int64_t> places;
  for (int64_t i = 0; i < count; ++i) places.push_back(shuffled(seed, epoch, i, count));
  return places;
}

TEST(Shuffle, EveryCountIsAPermutation) {
  for (int64_t count : {1, 2, 3, 4, 5, 7, 16, 17, 63, 64, 65, 255, 256, 257, 1000, 4097}) {
    std::vector<bool> seen(static_cast<size_t>(count));
    for (const int64_t place : order(7, 3, count)) {
      ASSERT_GE(place, 0);
      ASSERT_LT(place, count);
      ASSERT_FALSE(seen[static_cast<size_t>(place)]) << count;
      seen[static_cast<size_t>(place)] = true;
    }
  }
}

TEST(Shuffle, SeedsAndEpochsGiveOtherOrders) {
  EXPECT_NE(order(1, 0, 100), order(2, 0, 100));
  EXPECT_NE(order(1, 0, 100), order(1, 1, 100));
  EXPECT_EQ(order(1, 1, 100), order(1, 1, 100));
}

// Neighbours of the order are not neighbours of the data: the mean distance of a random order is a third of the range.
TEST(Shuffle, MixesWell) {
  const int64_t count = 10'000;
  const auto places = order(42, 0, count);
  double distance = 0;
  for (size_t i = 1; i < places.size(); ++i) distance += std::abs(static_cast<double>(places[i] - places[i - 1]));
  EXPECT_NEAR(distance / static_cast<double>(count), static_cast<double>(count) / 3, 150);
}

TEST(Shuffle, LargeCounts) {
  for (const int64_t count : {int64_t{1} << 40, (int64_t{1} << 40) + 12345}) {
    const int64_t place = shuffled(9, 0, count - 1, count);
    EXPECT_GE(place, 0);
    EXPECT_LT(place, count);
  }
}

// Fixed for good: a checkpoint names a place in this order.
TEST(Shuffle, TheOrderNeverChanges) {
  EXPECT_EQ(order(1, 0, 8), (std::vector<int64_t>{0, 2, 7, 6, 1, 4, 5, 3}));
  EXPECT_EQ(drawn(1, 0, 1000), 73);
}

TEST(Shuffle, DrawsAreBelowTheirBound) {
  for (int64_t epoch = 0; epoch < 100; ++epoch) EXPECT_LT(drawn(5, epoch, 7), 7);
  EXPECT_EQ(drawn(5, 1, 1), 0);
}

}  // namespace
}  // namespace lathe::run
