#include "probe/plan_update.h"

#include <gtest/gtest.h>

#include "ops/matmul.h"
#include "probe/fake_report.h"

namespace lathe::probe {
namespace {

// Shape 64x64x64: two variants of equal numerics and layout, the default and another one, both of the build's table.
class PlanUpdateTest : public testing::Test {
 protected:
  void SetUp() override {
    report_.shapes = {fake_shape("s", "g", 64, 64, 64)};
    report_.ceilings.threads = 2;
    const auto chosen = ops::choose_variant(report_.shapes[0].problem, cpu_features());
    ASSERT_TRUE(chosen) << chosen.status().message();
    usual_ = *chosen;
    for (const matmul::Variant* v : matmul::variants())
      if (v != usual_ && v->layout == usual_->layout && std::string_view(v->numerics) == usual_->numerics &&
          matmul::refusal(*v, report_.shapes[0].problem, cpu_features()).empty())
        other_ = v;
    if (!other_) GTEST_SKIP() << "this CPU has one variant only for the product";
    report_.rows = {fake_row(0, "lathe", usual_->name, 1.0, 1e6), fake_row(0, "lathe", other_->name, 0.5, 1e6),
                    fake_row(0, "openblas", "sgemm", 0.1, 1e6)};
    report_.rows[0].chosen = true;
  }
  tune::PlanScope scope() const { return {"cpu", cpu_features(), matmul::variants()}; }

  Report report_;
  const matmul::Variant* usual_ = nullptr;
  const matmul::Variant* other_ = nullptr;
};

TEST_F(PlanUpdateTest, TakesTheFastestOfOurs) {
  tune::Plan plan(scope());
  const PlanUpdate update = update_plan(report_, plan);
  EXPECT_EQ(update.entered, 1);
  EXPECT_EQ(update.skipped, 0);
  const auto* entry = plan.find(report_.shapes[0].problem, 2);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->variant, other_);
  EXPECT_EQ(entry->ms, 0.5);
  ASSERT_EQ(entry->measured.size(), 2u);
  EXPECT_EQ(entry->measured[0].row, tune::row_fingerprint(*usual_));
}

TEST_F(PlanUpdateTest, OnlyPassedRowsEnter) {
  report_.rows[1].disposition = Disposition::incorrect;
  tune::Plan plan(scope());
  update_plan(report_, plan);
  const auto* entry = plan.find(report_.shapes[0].problem, 2);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->variant, usual_);
  EXPECT_EQ(entry->measured.size(), 1u);
}

TEST_F(PlanUpdateTest, WithoutTheDefaultNothingIsLearned) {
  report_.rows.erase(report_.rows.begin());
  tune::Plan plan(scope());
  const PlanUpdate update = update_plan(report_, plan);
  EXPECT_EQ(update.entered, 0);
  EXPECT_EQ(update.skipped, 1);
  EXPECT_TRUE(plan.entries().empty());
}

}  // namespace
}  // namespace lathe::probe
