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
    report_.shapes = {fake_shape("s", "g", 1, 64, 64)};  // one row: a variant of its own beside the one for all rows
    report_.ceilings.threads = 2;
    const auto chosen = ops::choose_variant(report_.shapes[0].problem, cpu_features());
    ASSERT_TRUE(chosen) << chosen.status().message();
    usual_ = *chosen;
    for (const matmul::Variant* v : matmul::variants())
      if (!other_ && v != usual_ && v->layout == usual_->layout && std::string_view(v->numerics) == usual_->numerics &&
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

TEST_F(PlanUpdateTest, OnlyRowsWithoutAFigureAreNew) {
  tune::Plan plan(scope());
  NewRows all = find_new_rows(report_.shapes, 2, plan);
  EXPECT_EQ(all.shapes.size(), 1u);
  EXPECT_GE(all.variants.size(), usual_->isa == Isa::scalar ? 1u : 2u);
  // Every row of the shape but one is known: that one is new, and the choices of now stand beside it.
  for (const std::string& name : all.variants)
    if (name != usual_->name && name != other_->name)
      report_.rows.push_back(fake_row(0, "lathe", name.c_str(), 3, 1e6));
  const Row other = report_.rows[1];
  report_.rows.erase(report_.rows.begin() + 1);
  update_plan(report_, plan);
  const NewRows one = find_new_rows(report_.shapes, 2, plan);
  if (other_->isa != Isa::scalar) {
    ASSERT_EQ(one.shapes.size(), 1u);
    EXPECT_EQ(one.variants, (std::vector<std::string>{other_->name, usual_->name}));
  }
  // Measured beside the choice of now, it enters and the figures of the others stay.
  report_.rows = {fake_row(0, "lathe", usual_->name, 1.0, 1e6), other};
  const size_t known = plan.entries()[0].measured.size();
  update_plan(report_, plan);
  EXPECT_EQ(plan.entries()[0].variant, other_);
  EXPECT_EQ(plan.entries()[0].measured.size(), known + 1);
  EXPECT_TRUE(find_new_rows(report_.shapes, 2, plan).shapes.empty());
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
