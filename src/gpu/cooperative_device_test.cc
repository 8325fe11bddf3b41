// Products on matrix units: what f16 is too narrow for, and that a row knows nothing of its tile.
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include "gpu/matmul.h"
#include "gpu/test_device.h"
#include "gpu/test_product.h"

namespace lathe::gpu {
namespace {

constexpr int64_t kM = 35, kN = 40, kK = 70;

class CooperativeDevice : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    for (const MatmulVariant& v : matmul_variants())
      if (v.shader == "cooperative" && matmul_refusal(v, problem(v.w), device_->info()).empty()) rows_.push_back(&v);
    if (rows_.empty()) GTEST_SKIP() << "the device has no matrices that a kernel is for";
  }

  static MatmulProblem problem(WeightType w) {
    MatmulProblem p;
    p.m = kM, p.n = kN, p.k = kK, p.w = w;
    return p;
  }
  static ProductTest scaled(const MatmulVariant& v, std::vector<float> scales) {
    ProductTest t;
    t.problem = problem(v.w);
    t.row_scales = std::move(scales);
    return t;
  }
  static std::span<const float> row_of(const Product& product, int64_t row) {
    return std::span(product.y()).subspan(static_cast<size_t>(row * kN), kN);
  }

  std::vector<const MatmulVariant*> rows_;
};

TEST_F(CooperativeDevice, RowsThatF16IsTooNarrowForAreRight) {
  for (const MatmulVariant* v : rows_) {
    SCOPED_TRACE(v->name);
    EXPECT_EQ(Product(scaled(*v, {1.0f, 1e30f, 1e-30f, 0.0f, 3e4f, 1e5f, 5e-3f, 1e-4f})).run(device_, *v), "");
  }
}

TEST_F(CooperativeDevice, ARowKnowsNothingOfTheOthers) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const MatmulVariant* v : rows_) {
    SCOPED_TRACE(v->name);
    Product usual(scaled(*v, {1.0f, 1.0f, 1.0f})), beside(scaled(*v, {1.0f, 1e20f, inf}));
    EXPECT_EQ(usual.run(device_, *v), "");
    beside.run(device_, *v);  // says that rows without a number are none
    for (int64_t row = 0; row < kM; ++row) {
      if (row % 3 == 0) {
        EXPECT_EQ(std::memcmp(row_of(usual, row).data(), row_of(beside, row).data(), kN * 4), 0) << row;
      } else {
        EXPECT_EQ(std::isfinite(row_of(beside, row)[0]), row % 3 == 1) << row;
      }
    }
  }
}

// Models take tiles by the number of rows, and a text's bits must not depend on that.
TEST_F(CooperativeDevice, TilesOfOneDepthHaveTheSameBits) {
  for (const MatmulVariant* v : rows_)
    for (const MatmulVariant* other : rows_) {
      if (other->w != v->w || other->geometry.constants[6] != v->geometry.constants[6]) continue;
      SCOPED_TRACE(v->name + " and " + other->name);
      Product one(scaled(*v, {1.0f, 1e20f})), two(scaled(*v, {1.0f, 1e20f}));
      EXPECT_EQ(one.run(device_, *v), "");
      EXPECT_EQ(two.run(device_, *other), "");
      EXPECT_EQ(std::memcmp(one.y().data(), two.y().data(), one.y().size() * 4), 0);
    }
}

}  // namespace
}  // namespace lathe::gpu
