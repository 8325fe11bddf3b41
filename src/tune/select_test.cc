#include "tune/select.h"

#include <gtest/gtest.h>

#include <vector>

namespace lathe::tune {
namespace {

matmul::Variant row(const char* name, const char* numerics = "f32", matmul::Layout layout = matmul::Layout::panel_f32) {
  matmul::Variant v{};
  v.name = name;
  v.numerics = numerics;
  v.layout = layout;
  return v;
}

const matmul::Variant kUsual = row("usual"), kFast = row("fast"), kSlow = row("slow");
const matmul::Variant kOtherBits = row("other bits", "a16");
const matmul::Variant kOtherLayout = row("other layout", "f32", matmul::Layout::rows_f32);

const matmul::Variant* choice(const std::vector<Candidate>& candidates) {
  const Candidate* chosen = select(candidates, kUsual);
  return chosen ? chosen->variant : nullptr;
}

TEST(Select, TakesTheFastest) {
  EXPECT_EQ(
      choice({{&kUsual, true, false, 1.0, 0.5}, {&kSlow, true, false, 2.0, 0.2}, {&kFast, true, false, 0.9, 0.6}}),
      &kFast);
}

TEST(Select, ATieGoesToTheUsual) {
  EXPECT_EQ(choice({{&kFast, true, false, 1.0, 0.5}, {&kUsual, true, false, 1.019, 0.5}}), &kUsual);
  EXPECT_EQ(choice({{&kFast, true, false, 1.0, 0.5}, {&kUsual, true, false, 1.03, 0.5}}), &kFast);
}

TEST(Select, NeverWhatDidNotPassOrBeatsItsCeiling) {
  EXPECT_EQ(choice({{&kFast, false, false, 0.1, 0.9}, {&kSlow, true, false, 2.0, 0.2}}), &kSlow);
  EXPECT_EQ(choice({{&kFast, true, true, 0.1, 1.3}, {&kSlow, true, false, 2.0, 0.2}}), &kSlow);
  EXPECT_EQ(choice({{&kFast, true, true, 0.1, 1.3}}), nullptr);
  EXPECT_EQ(choice({}), nullptr);
}

TEST(Select, NeverOtherBitsOrAnotherLayout) {
  EXPECT_EQ(choice({{&kOtherBits, true, false, 0.1, 0.9}, {&kOtherLayout, true, false, 0.1, 0.9}}), nullptr);
}

}  // namespace
}  // namespace lathe::tune
