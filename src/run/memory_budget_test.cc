#include "run/memory_budget.h"

#include <gtest/gtest.h>

namespace lathe::run {
namespace {

Result<int64_t> linear(int64_t tokens) { return 1000 + 10 * tokens; }

TEST(MemoryBudget, TakesTheMostTokensThatFit) {
  EXPECT_EQ(*tokens_within({.limit = 10'000, .base = 2000, .least = 5, .wanted = 4000}, linear), 700);
  EXPECT_EQ(*tokens_within({.limit = 10'000, .base = 2000, .least = 700, .wanted = 4000}, linear), 700);
  EXPECT_EQ(*tokens_within({.limit = 10'000, .base = 2000, .least = 5, .wanted = 300}, linear), 300);
}

TEST(MemoryBudget, SaysTheLeastThatIsPossible) {
  constexpr int64_t kMiB = 1 << 20;
  const auto text = [](const MemoryBudget& b) { return tokens_within(b, linear).status().message(); };
  EXPECT_NE(text({.limit = 2 * kMiB, .base = 3 * kMiB, .least = 512}).find("at least 4M"), std::string::npos);
  const std::string peak = text({.limit = 5 * kMiB, .base = 3 * kMiB, .peak = 9 * kMiB, .least = 512});
  EXPECT_NE(peak.find("at least 9M"), std::string::npos) << peak;
  EXPECT_NE(peak.find("opening"), std::string::npos) << peak;
}

}  // namespace
}  // namespace lathe::run
