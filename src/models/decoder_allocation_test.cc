// A pass allocates nothing once its counts were seen and its texts have their pages.
#include <gtest/gtest.h>

#include "base/counting_new.h"
#include "models/test_decoder.h"

namespace lathe::models {
namespace {

// Two texts, a token each, 128 times: two pages each.
TEST(DecoderAllocation, TokensWithinTheirPagesAllocateNothing) {
  for (const char* family : testing::kFamilies) {
    testing::TestDecoder model(family);
    const auto team = std::move(*Team::create({.threads = 2}));
    const auto decoder = model.bind(*team);
    ops::KvPool pool(decoder->kv_shape(ops::KvType::f16));
    ops::KvText first(pool), second(pool);
    ASSERT_TRUE(first.reserve(128).ok());
    ASSERT_TRUE(second.reserve(128).ok());
    ops::KvText* const texts[] = {&first, &second};
    const int32_t ids[] = {3, 4};
    const int64_t offsets[] = {0, 1, 2}, rows[] = {0, 1};
    std::vector<float> logits(static_cast<size_t>(2 * model.config.vocabulary));
    const DecoderBatch batch = {.tokens = {ids, offsets}, .texts = texts, .rows = rows, .logits = logits.data()};
    int64_t counts[2] = {};
    for (int i = 0; i < 128; ++i) {
      const int64_t before = allocations;
      const auto ran = decoder->run(batch);
      // The table of positions doubles at 64.
      counts[i != 0 && i != 64] += allocations - before;
      ASSERT_TRUE(ran.ok()) << ran.status().message();
    }
    EXPECT_GT(counts[0], 0);  // the counter counts
    EXPECT_EQ(counts[1], 0) << family;
  }
}

}  // namespace
}  // namespace lathe::models
