// A pass allocates nothing once its count of tokens was seen.
#include <gtest/gtest.h>

#include "base/counting_new.h"
#include "models/bert_encoder.h"
#include "models/test_bert.h"

namespace lathe::models {
namespace {

TEST(BertAllocation, ASecondPassAllocatesNothing) {
  const testing::TestBert bert;
  const testing::TestTexts texts({5, 60, 17}, bert.config.vocabulary);
  const auto team = Team::create({.threads = 2});
  ASSERT_TRUE(team.ok());
  auto weights = BertWeights::bind(bert.config, *bert.table(), matmul::Type::f32, team->get());
  ASSERT_TRUE(weights.ok());
  BertEncoder encoder(bert.config, std::move(*weights), matmul::Type::f32, **team);
  std::vector<float> out(static_cast<size_t>(3 * bert.config.width));
  constexpr Pooling mean[] = {Pooling::mean};
  const PoolOptions pool = {.modes = mean, .keep = bert.config.width};
  int64_t counts[2];
  for (int64_t& count : counts) {
    const int64_t before = allocations;
    const Status status = encoder.run({.ids = texts.ids, .offsets = texts.offsets}, pool, out.data());
    count = allocations - before;
    ASSERT_TRUE(status.ok()) << status.message();
  }
  EXPECT_GT(counts[0], 0);  // the counter counts
  EXPECT_EQ(counts[1], 0);
}

}  // namespace
}  // namespace lathe::models
