#include <gtest/gtest.h>

#include <limits>

#include "base/shown.h"
#include "tensor/tensor_table.h"

namespace lathe {
namespace {

constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();

TEST(Shape, ElementsDoNotOverflow) {
  EXPECT_EQ(Shape{}.elements(), 1);
  EXPECT_EQ((Shape{3, 4, 5}.elements()), 60);
  EXPECT_EQ((Shape{kLargest}.elements()), kLargest);
  EXPECT_EQ((Shape{kLargest, 2}.elements()), std::nullopt);
  EXPECT_EQ((Shape{int64_t{1} << 32, int64_t{1} << 31}.elements()), std::nullopt);
  EXPECT_EQ((Shape{kLargest, 2, 0}.elements()), std::nullopt);
  EXPECT_EQ((Shape{7, 0}.elements()), 0);
  EXPECT_EQ((Shape{-1, 0}.elements()), std::nullopt);
}

TEST(Shape, HoldsEightDimensionsAndPrints) {
  Shape shape;
  for (int64_t i = 1; i <= Shape::kMaxRank; ++i) EXPECT_TRUE(shape.push_back(i));
  EXPECT_FALSE(shape.push_back(9));
  EXPECT_EQ(shape.text(), "[1, 2, 3, 4, 5, 6, 7, 8]");
  shape.reverse();
  EXPECT_EQ(shape, (Shape{8, 7, 6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(Shape{}.text(), "[]");
}

TEST(TensorBytes, CountsWholeBlocksOfTheLastDimension) {
  EXPECT_EQ(tensor_bytes(DType::f32, {3, 5}), 60);
  EXPECT_EQ(tensor_bytes(DType::f16, {}), 2);
  EXPECT_EQ(tensor_bytes(DType::q8_0, {3, 64}), 3 * 2 * 34);
  EXPECT_EQ(tensor_bytes(DType::q6_k, {2, 256}), 420);
  EXPECT_EQ(tensor_bytes(DType::q8_0, {64, 3}), std::nullopt);
  EXPECT_EQ(tensor_bytes(DType::q8_0, {}), std::nullopt);
  EXPECT_EQ(tensor_bytes(DType::f64, {kLargest / 4}), std::nullopt);
  EXPECT_EQ(tensor_bytes(DType::q4_0, {0, 32}), 0);
}

TensorView tensor(std::string name, Shape shape) {
  TensorView view;
  view.name = std::move(name);
  view.shape = shape;
  return view;
}

TEST(TensorTable, FindsByNameAndKeepsTheFilesOrder) {
  const auto table = TensorTable::create({tensor("b", {2, 3}), tensor("", {1}), tensor("a", {4})}, "m.gguf");
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->all()[0].name, "b");
  EXPECT_EQ(table->find("a")->shape, (Shape{4}));
  EXPECT_EQ(table->find("")->shape, (Shape{1}));
  EXPECT_EQ(table->find("aa"), nullptr);
  EXPECT_EQ(table->find("z"), nullptr);
  EXPECT_EQ(TensorTable().find("a"), nullptr);
}

TEST(TensorTable, RequiringNamesTheFileAndTheShapes) {
  const auto table = TensorTable::create({tensor("w", {2, 3})}, "m.gguf");
  ASSERT_TRUE(table.ok());
  EXPECT_TRUE(table->require("w", {2, 3}).ok());
  EXPECT_EQ(table->require("w", {3, 2}).status().message(),
            "m.gguf: tensor 'w' has shape [2, 3], needed: [3, 2] by the model's configuration");
  EXPECT_EQ(table->require("v").status().code(), Code::not_found);
  EXPECT_EQ(table->require("v").status().message(), "m.gguf: tensor 'v' is not among its 1, needed by the model");
}

TEST(TensorTable, ANameThatIsThereTwiceIsAnError) {
  const auto table = TensorTable::create({tensor("w", {}), tensor("v", {}), tensor("w", {})}, "m.gguf");
  EXPECT_EQ(table.status().message(), "m.gguf: tensor 'w' is there twice, needed: each name once");
}

TEST(Shown, IsShortAndPrintable) {
  EXPECT_EQ(shown("a\n\x1b[31m"), "'a??[31m'");
  EXPECT_EQ(shown(std::string(96, 'x')).size(), 98u);
  EXPECT_EQ(shown(std::string(1000, 'x')), "'" + std::string(96, 'x') + "...'");
}

}  // namespace
}  // namespace lathe
