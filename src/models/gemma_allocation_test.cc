// A pass allocates nothing once its count of tokens was seen.
#include <gtest/gtest.h>

#include "base/counting_new.h"
#include "models/gemma_encoder.h"
#include "models/test_bert.h"
#include "models/test_gemma.h"

namespace lathe::models {
namespace {

TEST(GemmaAllocation, ASecondPassAllocatesNothing) {
  const testing::TestGemma gemma;
  const testing::TestDense dense(gemma.config.width);
  const testing::TestTexts texts({5, 160, 17}, gemma.config.vocabulary);
  const auto team = Team::create({.threads = 2});
  ASSERT_TRUE(team.ok());
  auto weights = GemmaWeights::bind(gemma.config, *gemma.table(), matmul::Type::f32, team->get());
  ASSERT_TRUE(weights.ok());
  GemmaEncoder encoder(gemma.config, std::move(*weights), matmul::Type::f32, **team);
  encoder.set_head(std::move(*DenseHead::bind(dense.layers, gemma.config.width, matmul::Type::f32, **team)));
  std::vector<float> out(static_cast<size_t>(3 * encoder.vector_size(1)));
  constexpr Pooling mean[] = {Pooling::mean};
  const PoolOptions pool = {.modes = mean, .keep = encoder.vector_size(1)};
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
