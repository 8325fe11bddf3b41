#include "probe/presets.h"

#include <gtest/gtest.h>

#include <string>

namespace lathe::probe {
namespace {

using matmul::Order;
using matmul::Type;

std::vector<Shape> shapes_of(std::string_view name) {
  auto shapes = preset(name);
  EXPECT_TRUE(shapes) << name;
  return shapes ? std::move(*shapes) : std::vector<Shape>();
}

int count_of(const std::vector<Shape>& shapes, int64_t m, int64_t n, int64_t k, Type w) {
  int found = 0;
  for (const Shape& s : shapes) found += s.problem.m == m && s.problem.n == n && s.problem.k == k && s.problem.w == w;
  return found;
}

TEST(Presets, ModelsIsTheSumOfItsGroups) {
  size_t sum = 0;
  for (const Preset& p : presets())
    if (p.name != "models" && p.name != "quick") sum += shapes_of(p.name).size();
  EXPECT_EQ(shapes_of("models").size(), sum);
  EXPECT_EQ(sum, 45u + 15 + 16 + 12 + 18 + 7 + 12 + 130);
}

TEST(Presets, HoldTheNamedProducts) {
  const auto all = shapes_of("models");
  for (const int64_t s : {1, 7, 16, 17, 33, 73, 80, 128, 512}) {
    EXPECT_GE(count_of(all, s, 1024, 1024, Type::f32), 1) << s;
    EXPECT_GE(count_of(all, s, 4096, 1024, Type::f32), 1) << s;
    EXPECT_EQ(count_of(all, s, 1024, 4096, Type::f32), 1) << s;
    EXPECT_EQ(count_of(all, s, s, 64, Type::f32), 1) << s;
    EXPECT_EQ(count_of(all, s, 64, s, Type::f32), 1) << s;
  }
  for (const Type t : {Type::f32, Type::f16, Type::q8_0}) EXPECT_EQ(count_of(all, 1, 151936, 896, t), 1);
  EXPECT_EQ(count_of(all, 64, 1152, 768, Type::q8_0), 1);
  for (int64_t m = 1; m <= 130; ++m) EXPECT_GE(count_of(all, m, 1024, 1024, Type::f32), 1) << m;
}

TEST(Presets, TrainingProductsAreActivationsByActivations) {
  int dw = 0, dx = 0;
  for (const Shape& s : shapes_of("stories")) {
    const auto& p = s.problem;
    if (p.a_transposed) {
      ++dw;
      EXPECT_EQ(p.k, 256);
      EXPECT_FALSE(p.prepared);
      EXPECT_EQ(p.order, Order::kn);
    } else if (p.order == Order::kn) {
      ++dx;
      EXPECT_EQ(p.m, 256);
      EXPECT_FALSE(p.prepared);
    } else {
      EXPECT_TRUE(p.prepared);
    }
  }
  EXPECT_EQ(dw, 6);
  EXPECT_EQ(dx, 6);
}

TEST(Presets, EpiloguesAreThere) {
  int gelu = 0, bias = 0;
  for (const Shape& s : shapes_of("models")) {
    gelu += s.problem.bias && s.problem.act == matmul::Activation::gelu_erf;
    bias += s.problem.bias && s.problem.n == 1152 && s.problem.k == 896;
  }
  EXPECT_EQ(gelu, 4);
  EXPECT_EQ(bias, 3);
}

TEST(Presets, UnknownNameListsTheKnown) {
  const auto none = preset("nope");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.status().code(), Code::invalid_argument);
  for (const Preset& p : presets())
    EXPECT_NE(none.status().message().find(p.name), std::string::npos) << none.status().message();
}

TEST(Presets, QuickIsADozen) {
  const auto quick = shapes_of("quick");
  EXPECT_EQ(quick.size(), 12u);
}

}  // namespace
}  // namespace lathe::probe
