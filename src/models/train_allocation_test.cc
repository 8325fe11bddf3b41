// A training step allocates nothing once its count of tokens was seen.
#include <gtest/gtest.h>

#include "base/counting_new.h"
#include "models/test_train.h"

namespace lathe::models {
namespace {

TEST(TrainAllocation, StepsAllocateNothing) {
  for (const testing::TrainCase& c : testing::train_cases())
    for (const bool recompute : {false, true}) {
      testing::TestTrainer trainer(
          c.config, {.windows = 2, .length = 12, .recompute = recompute, .bf16 = recompute, .accumulate = true}, 2);
      const testing::RandomWindows windows(c.config, 2, 12, 1), fewer(c.config, 1, 7, 2);
      std::vector<float> logits(static_cast<size_t>(c.config.vocabulary));
      const auto steps = [&] {
        const int64_t before = allocations;
        for (int64_t i = 1; i <= 3; ++i) {
          trainer.backward(windows, false);
          trainer.backward(fewer, true);
          trainer.model->update({.rate = 1e-3}, i);
          trainer.evaluate(fewer);
          EXPECT_TRUE(trainer.model->logits(std::span(windows.inputs).first(5), logits).ok());
        }
        return allocations - before;
      };
      EXPECT_GT(steps(), 0);  // the counter counts
      EXPECT_EQ(steps(), 0) << c.name;
    }
}

}  // namespace
}  // namespace lathe::models
