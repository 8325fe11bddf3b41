#include "ops/largest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace lathe::ops {
namespace {

TEST(LargestMagnitude, OfEitherSignInAnyPlace) {
  EXPECT_EQ(largest_magnitude(nullptr, 0), 0.0f);
  for (const size_t n : {1, 3, 16, 37}) {
    std::vector<float> x(n, 0.5f);
    for (size_t i = 0; i < n; ++i) {
      x[i] = -3.25f;
      EXPECT_EQ(largest_magnitude(x.data(), static_cast<int64_t>(n)), 3.25f);
      x[i] = 0.5f;
    }
  }
}

TEST(LargestMagnitude, WhatIsNoNumberIsTheLargest) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> infinite = {1, -kInfinity, 2}, none = {1, kInfinity, -NAN, 2};
  EXPECT_EQ(largest_magnitude(infinite.data(), 3), kInfinity);
  EXPECT_TRUE(std::isnan(largest_magnitude(none.data(), 4)));
}

}  // namespace
}  // namespace lathe::ops
