// Which rows a model takes: what was measured, within one layout and one order of addition. No device is needed.
#include "ops/device_products.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "ops/device_choice.h"

namespace lathe::ops {
namespace {

using gpu::MatmulProblem;
using gpu::MatmulVariant;

gpu::DeviceInfo usual_device() {
  gpu::DeviceInfo info;
  info.name = "usual";
  info.features = ~gpu::FeatureSet{0};
  info.subgroup_size = info.subgroup_least = info.subgroup_most = 32;
  info.most_threads = 1024, info.most_groups = 65535, info.shared_bytes = 49152;
  info.memory_bytes = info.most_buffer_bytes = int64_t{8} << 30;
  return info;
}

MatmulProblem problem(int64_t m, gpu::WeightType w = gpu::WeightType::f32) {
  MatmulProblem p;
  p.m = m, p.n = 512, p.k = 256, p.w = w;
  p.residual = true;
  return p;
}

// The fastest first, by the count of rows of x.
MeasuredRows plan(const std::map<int64_t, std::vector<const char*>>& names) {
  return [names](const gpu::DeviceInfo&, const MatmulProblem& p) {
    std::vector<const MatmulVariant*> rows;
    if (const auto found = names.find(p.m); found != names.end())
      for (const char* name : found->second) rows.push_back(gpu::find_matmul_variant(name));
    return rows;
  };
}

class DeviceProductsTest : public testing::Test {
 protected:
  const MatmulVariant& row(DeviceProducts& products, const MatmulProblem& p) {
    const auto chosen = products.choose(p);
    EXPECT_TRUE(chosen.ok()) << chosen.status().message();
    return **chosen;
  }
  std::string name(DeviceProducts& products, int64_t m) { return row(products, problem(m)).name; }

  const gpu::DeviceInfo device_ = usual_device();
};

TEST_F(DeviceProductsTest, WithoutAPlanUpToSixteenRowsShareAnOrder) {
  for (int w = 0; w < gpu::kWeightTypes; ++w) {
    const auto type = static_cast<gpu::WeightType>(w);
    DeviceProducts products(device_);
    const gpu::AdditionOrder order = row(products, problem(1, type)).order;
    for (int64_t m = 1; m <= 40; ++m) {
      const MatmulVariant& taken = row(products, problem(m, type));
      EXPECT_EQ(taken.layout, kProductLayout);
      EXPECT_EQ(taken.order == order, m <= DeviceProducts::kFewRows) << taken.name << " for " << m;
      EXPECT_EQ(&taken, *choose_product(problem(m, type), device_)) << m;
    }
    EXPECT_EQ(products.chosen_as_measured(), 0);
  }
}

TEST_F(DeviceProductsTest, ThePlansRowForOneRowOfXDecidesTheOrderOfTheOthers) {
  DeviceProducts products(device_, plan({{1, {"columns.f32.256x64", "columns.f32.64x256"}},
                                         {4, {"columns.f32.64x256.m4", "columns.f32.64x64.m4"}},
                                         {5, {"columns.f32.64x256.m8"}}}));
  EXPECT_EQ(name(products, 1), "columns.f32.256x64");
  EXPECT_EQ(name(products, 4), "columns.f32.64x64.m4");  // the other is faster, and of another order
  EXPECT_EQ(name(products, 5), "columns.f32.64x64.m8");  // nothing of this order was measured
  EXPECT_EQ(name(products, 1), "columns.f32.256x64");
  ASSERT_EQ(products.chosen().size(), 3u);
  EXPECT_EQ(products.chosen_as_measured(), 2);
  EXPECT_TRUE(products.chosen()[1].measured);
  EXPECT_FALSE(products.chosen()[2].measured);
}

// Whichever count of rows is asked for first.
TEST_F(DeviceProductsTest, TheOrderIsTheSameHoweverItIsAskedFor) {
  const auto measured = plan({{1, {"small.f32.64", "broadcast.f32.256"}}, {2, {"columns.f32.64x256.m2"}}});
  DeviceProducts products(device_, measured);
  EXPECT_EQ(name(products, 2), "columns.f32.64x64.m2");
  EXPECT_EQ(name(products, 1), "broadcast.f32.256");  // small takes 65,536 weights
}

TEST_F(DeviceProductsTest, AnOrderThatHasNoRowsForTheOthersIsPassedOver) {
  DeviceProducts next(device_, plan({{1, {"columns.f32.64x128", "columns.f32.64x64"}}}));
  EXPECT_EQ(name(next, 1), "columns.f32.64x64");
  DeviceProducts none(device_, plan({{1, {"columns.f32.64x128"}}, {2, {"columns.f32.64x64.m2"}}}));
  EXPECT_EQ(name(none, 1), "columns.f32.64x256");
  EXPECT_EQ(name(none, 2), "columns.f32.64x256.m2");
  EXPECT_EQ(none.chosen_as_measured(), 0);
}

TEST_F(DeviceProductsTest, RowsOfAnotherLayoutAndThoseThatRefuseArePassedOver) {
  DeviceProducts products(device_, plan({{1, {"subgroups.f32.1x64", "columns.q8_0.64x64", "small.f32.64"}}}));
  EXPECT_EQ(name(products, 1), "columns.f32.64x256");
}

TEST_F(DeviceProductsTest, ManyRowsOfXKeepTheOrderOfTiles) {
  DeviceProducts products(device_, plan({{32, {"tiled.f32.64x64"}}, {64, {"tiled.f32.32x32"}}}));
  EXPECT_EQ(name(products, 32), "tiled.f32.64x64");
  EXPECT_EQ(name(products, 64), "tiled.f32.32x32");
  EXPECT_EQ(products.chosen_as_measured(), 2);
}

TEST_F(DeviceProductsTest, WhatNoRowTakesIsASentence) {
  gpu::DeviceInfo small = device_;
  small.most_buffer_bytes = 1000;
  DeviceProducts products(small);
  const auto none = products.choose(problem(1));
  EXPECT_EQ(none.status().code(), Code::unsupported);
  EXPECT_NE(none.status().message().find("the device has buffers of 1000 at most"), std::string::npos);
  EXPECT_TRUE(products.chosen().empty());
}

}  // namespace
}  // namespace lathe::ops
