// Running a product allocates nothing.
#include <gtest/gtest.h>

#include <vector>

#include "base/counting_new.h"
#include "lathe/matmul.h"

namespace lathe {
namespace {

TEST(ApiMatmul, RunsWithoutAllocating) {
  const auto engine = Engine::create({.threads = 2});
  ASSERT_TRUE(engine.ok());
  constexpr int64_t m = 40, n = 400, k = 300;
  const std::vector<float> a(m * k, 0.5f), w(n * k, 0.25f);
  std::vector<float> c(m * n);
  for (const DataType type : {DataType::f32, DataType::q8_0}) {
    auto weights = PreparedWeights::prepare(*engine, {.n = n, .k = k, .data = w.data()}, type);
    ASSERT_TRUE(weights.ok());
    auto product = Matmul::create(*engine, {.m = m, .n = n, .k = k, .w = type});
    ASSERT_TRUE(product.ok());
    const int64_t before = allocations;
    ASSERT_GT(before, 0);  // the counter counts
    const Status status = product->run({.a = a.data(), .weights = &*weights, .c = c.data()});
    EXPECT_EQ(allocations, before);
    EXPECT_TRUE(status.ok()) << status.message();
  }
}

}  // namespace
}  // namespace lathe
