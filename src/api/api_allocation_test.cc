// Running a product allocates nothing. The counters replace operator new for the whole program, hence a file alone.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include "lathe/matmul.h"

namespace {
std::atomic<int> allocations{0};
}

// Out of line: inlined, the compiler sees malloc's memory given to delete and warns.
__attribute__((noinline)) void* operator new(size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
__attribute__((noinline)) void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
__attribute__((noinline)) void operator delete(void* p) noexcept { std::free(p); }
__attribute__((noinline)) void operator delete(void* p, size_t) noexcept { std::free(p); }

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
    const int before = allocations;
    ASSERT_GT(before, 0);  // the counter counts
    const Status status = product->run({.a = a.data(), .weights = &*weights, .c = c.data()});
    EXPECT_EQ(allocations, before);
    EXPECT_TRUE(status.ok()) << status.message();
  }
}

}  // namespace
}  // namespace lathe
