#include "run/train_settings.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lathe::run {
namespace {

TrainSettings settings(const char* schedule) {
  TrainSettings s{.steps = 100, .lr = 1e-3, .schedule = schedule, .warmup = 10};
  EXPECT_TRUE(resolve(s, 64).ok());
  return s;
}

// nanoGPT's get_lr for iteration step - 1.
double nanogpt_rate(int64_t iteration) {
  if (iteration < 10) return 1e-3 * static_cast<double>(iteration + 1) / 11;
  const double ratio = static_cast<double>(iteration - 10) / 90;
  return 1e-4 + 0.5 * (1 + std::cos(M_PI * ratio)) * (1e-3 - 1e-4);
}

TEST(TrainSettings, CosineIsNanoGpts) {
  const TrainSettings s = settings("cosine");
  for (int64_t step = 1; step <= 100; ++step) EXPECT_NEAR(learning_rate(s, step), nanogpt_rate(step - 1), 1e-18);
}

TEST(TrainSettings, LinearAndConstant) {
  const TrainSettings linear = settings("linear"), constant = settings("constant");
  EXPECT_DOUBLE_EQ(learning_rate(linear, 11), 1e-3);
  EXPECT_NEAR(learning_rate(linear, 56), 0.55e-3, 1e-12);
  EXPECT_DOUBLE_EQ(learning_rate(constant, 100), 1e-3);
  EXPECT_DOUBLE_EQ(learning_rate(constant, 1), learning_rate(linear, 1));
}

TEST(TrainSettings, ScalesByAccumulation) {
  TrainSettings s = settings("constant");
  s.accum = 16;
  s.scale_lr = "linear";
  EXPECT_DOUBLE_EQ(learning_rate(s, 50), 16e-3);
  s.scale_lr = "sqrt";
  EXPECT_DOUBLE_EQ(learning_rate(s, 50), 4e-3);
}

TEST(TrainSettings, RulesFillInWhatIsLeft) {
  TrainSettings s{.steps = 2000};
  ASSERT_TRUE(resolve(s, 256).ok());
  EXPECT_EQ(s.context, 256);
  EXPECT_EQ(s.warmup, 100);
  EXPECT_EQ(s.eval_every, 100);
  EXPECT_EQ(s.save_every, 200);
  TrainSettings one{.steps = 1};
  ASSERT_TRUE(resolve(one, 8).ok());
  EXPECT_EQ(one.warmup, 0);
  EXPECT_EQ(one.eval_every, 1);
}

TEST(TrainSettings, OneSentenceForWhatIsWrong) {
  const auto refused = [](TrainSettings s) { return resolve(s, 64).message(); };
  EXPECT_EQ(refused({.steps = 0}), "--steps is 0, needed: 1 to 1099511627776");
  EXPECT_EQ(refused({.context = 65}), "--context is 65, needed: 1 to 64");
  EXPECT_EQ(refused({.lr = NAN}), "--lr is nan, needed: more than 0, at most 1000");
  EXPECT_EQ(refused({.schedule = "step"}), "--schedule is 'step', needed: cosine, linear or constant");
  EXPECT_EQ(refused({.scale_lr = "x"}), "--scale-lr is 'x', needed: none, linear or sqrt");
  EXPECT_EQ(refused({.weight_decay = -1}), "--weight-decay is -1, needed: 0 to 100");
}

}  // namespace
}  // namespace lathe::run
