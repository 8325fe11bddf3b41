// The variant that answers: the plan's, the table's, and another one while that is being compiled.
#include "gpu/matmul_chooser.h"

#include <chrono>
#include <thread>

#include "gpu/test_device.h"
#include "gpu/test_product.h"

namespace lathe::gpu {
namespace {

using namespace std::chrono_literals;

MatmulProblem one_row() {
  MatmulProblem p;
  p.n = 48, p.k = 64, p.w = WeightType::q8_0;
  return p;
}

MatmulChooser::Plan always(const char* name) {
  return [name](const MatmulProblem&, std::optional<WeightLayout>) { return find_matmul_variant(name); };
}

// Whoever answers is right.
void expect_right(const std::shared_ptr<Device>& device, const MatmulVariant& variant, const MatmulProblem& problem) {
  Product product({.problem = problem});
  EXPECT_EQ(product.run(device, variant), "") << variant.name;
}

using MatmulChooserDevice = DeviceTest;

TEST_F(MatmulChooserDevice, WithoutAPlanItIsTheTablesFirst) {
  MatmulChooser chooser(device_);
  const auto choice = chooser.choose(one_row());
  ASSERT_TRUE(choice.ok()) << choice.status().message();
  EXPECT_EQ(choice->variant->name, "columns.q8_0.64x64");
  EXPECT_TRUE(choice->settled);
  EXPECT_TRUE(device_->pipeline_ready(matmul_pipeline(*choice->variant, one_row(), device_->info())));
  const auto rows = chooser.choose(one_row(), WeightLayout::rows);
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  EXPECT_EQ(rows->variant->layout, WeightLayout::rows);
}

TEST_F(MatmulChooserDevice, WaitingTakesThePlansFromTheFirstProductOn) {
  MatmulChooser chooser(device_, Compiling::wait, always("small.q8_0.64"));
  const auto choice = chooser.choose(one_row());
  ASSERT_TRUE(choice.ok()) << choice.status().message();
  EXPECT_EQ(choice->variant->name, "small.q8_0.64");
  EXPECT_TRUE(choice->settled);
  EXPECT_EQ(device_->pipelines_compiled(), 1);
}

TEST_F(MatmulChooserDevice, APlanThatDoesNotFitIsPassedOver) {
  for (const char* name : {"tiled.q8_0.32x32", "small.f32.64", "nothing"}) {
    MatmulChooser chooser(device_, Compiling::wait, always(name));
    const auto choice = chooser.choose(one_row());
    ASSERT_TRUE(choice.ok()) << choice.status().message();
    EXPECT_EQ(choice->variant->name, "columns.q8_0.64x64") << name;
  }
  MatmulChooser chooser(device_, Compiling::wait, always("small.q8_0.64"));  // panels
  const auto choice = chooser.choose(one_row(), WeightLayout::rows);
  ASSERT_TRUE(choice.ok()) << choice.status().message();
  EXPECT_EQ(choice->variant->layout, WeightLayout::rows);
}

TEST_F(MatmulChooserDevice, WhatNoRowTakesIsASentence) {
  MatmulChooser chooser(device_);
  MatmulProblem p = one_row();
  p.gated = p.accumulate = true;
  const auto choice = chooser.choose(p);
  ASSERT_FALSE(choice.ok());
  EXPECT_EQ(choice.status().code(), Code::unsupported);
  EXPECT_EQ(choice.status().message(),
            "vulkan:0: no kernel takes a product of 1 x 48 x 64 with weights of q8_0, as columns.q8_0.64x64: a gated "
            "product is not added to what was there");
}

TEST_F(MatmulChooserDevice, InTheBackgroundAnotherOfTheSameLayoutAnswersMeanwhile) {
  for (int round = 0; round < 20; ++round) {
    reopen({});
    MatmulChooser chooser(device_, Compiling::background, always("small.q8_0.64"));
    int asked = 0;
    for (;; ++asked) {
      ASSERT_LT(asked, 10000) << "it was never compiled";
      const auto choice = chooser.choose(one_row());
      ASSERT_TRUE(choice.ok()) << choice.status().message();
      EXPECT_EQ(choice->variant->layout, WeightLayout::panels);
      EXPECT_EQ(choice->variant->name, choice->settled ? "small.q8_0.64" : "columns.q8_0.64x64");
      if (round == 0) expect_right(device_, *choice->variant, one_row());
      if (choice->settled) break;
      std::this_thread::sleep_for(1ms);
    }
    EXPECT_GE(asked, 1);  // the first answer is never that of a pipeline which is not there
    const auto again = chooser.choose(one_row());
    EXPECT_TRUE(again.ok() && again->settled);  // and it stays
  }
}

// Two threads compile with one cache, and the device may go while much is queued.
TEST_F(MatmulChooserDevice, CompilesBesideWorkAndGoesInTheMidstOfIt) {
  for (int round = 0; round < 5; ++round) {
    reopen({});
    std::vector<PipelineSpec> specs;
    for (const MatmulVariant& v : matmul_variants())
      if (v.w == WeightType::q4_0 && matmul_refusal(v, {.n = 32, .k = 512, .w = v.w}, device_->info()).empty())
        specs.push_back(matmul_pipeline(v, {.w = v.w}, device_->info()));
    ASSERT_GE(specs.size(), 8u);
    for (const PipelineSpec& spec : specs) device_->prepare_pipeline(spec);
    for (auto spec = specs.rbegin(); spec != specs.rend(); ++spec) {
      ASSERT_TRUE(device_->create_pipeline(*spec).ok());
      EXPECT_TRUE(device_->pipeline_ready(*spec));
      if (round > 0 && spec - specs.rbegin() == round) break;
    }
    ASSERT_TRUE(device_->pipeline_cache().ok());
    const auto all = static_cast<int64_t>(specs.size());
    EXPECT_EQ(round == 0 ? device_->pipelines_compiled() : all, all);
  }
}

}  // namespace
}  // namespace lathe::gpu
