#include "gpu/free_ranges.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace lathe::gpu {
namespace {

TEST(FreeRanges, TakesFromTheFrontAndAligns) {
  FreeRanges ranges(1024);
  EXPECT_EQ(ranges.take(10, 256), 0);
  EXPECT_EQ(ranges.take(10, 256), 256);
  EXPECT_EQ(ranges.take(10, 1), 10);
  EXPECT_EQ(ranges.take(800, 1), std::nullopt);
}

TEST(FreeRanges, NeighboursBecomeOneRangeAgain) {
  FreeRanges ranges(300);
  for (int64_t at : {0, 100, 200}) EXPECT_EQ(ranges.take(100, 1), at);
  ranges.give(0, 100);
  ranges.give(200, 100);
  EXPECT_EQ(ranges.take(101, 1), std::nullopt);
  ranges.give(100, 100);
  EXPECT_TRUE(ranges.empty());
  EXPECT_EQ(ranges.take(300, 1), 0);
  EXPECT_FALSE(ranges.empty());
}

TEST(FreeRanges, PiecesNeverOverlapAndAllComesBack) {
  struct Piece {
    int64_t at, bytes;
  };
  constexpr int64_t kBytes = 1 << 16;
  FreeRanges ranges(kBytes);
  std::vector<Piece> pieces;
  std::mt19937 random(7);
  for (int turn = 0; turn < 4000; ++turn) {
    if (random() % 2 == 0 || pieces.empty()) {
      const int64_t bytes = 1 + random() % 3000, alignment = int64_t{1} << random() % 9;
      const auto at = ranges.take(bytes, alignment);
      if (!at) continue;
      EXPECT_EQ(*at % alignment, 0);
      EXPECT_LE(*at + bytes, kBytes);
      for (const Piece& p : pieces) ASSERT_TRUE(*at + bytes <= p.at || p.at + p.bytes <= *at);
      pieces.push_back({*at, bytes});
    } else {
      std::swap(pieces[random() % pieces.size()], pieces.back());
      ranges.give(pieces.back().at, pieces.back().bytes);
      pieces.pop_back();
    }
  }
  for (const Piece& p : pieces) ranges.give(p.at, p.bytes);
  EXPECT_TRUE(ranges.empty());
}

}  // namespace
}  // namespace lathe::gpu
