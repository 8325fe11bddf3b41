// A pass allocates nothing once its count of tokens was seen. The counters replace operator new for the whole program,
// hence a file alone.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "models/bert_encoder.h"
#include "models/test_bert.h"

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

namespace lathe::models {
namespace {

TEST(BertAllocation, ASecondPassAllocatesNothing) {
  const testing::TestBert bert;
  const testing::TestTexts texts({5, 60, 17}, bert.config.vocabulary);
  const auto team = Team::create({.threads = 2});
  ASSERT_TRUE(team.ok());
  auto weights = BertWeights::bind(bert.config, *bert.table(), matmul::Type::f32, team->get());
  ASSERT_TRUE(weights.ok());
  BertEncoder encoder(bert.config, std::move(*weights), matmul::Type::f32, **team);
  std::vector<float> out(static_cast<size_t>(3 * bert.config.width));
  constexpr Pooling mean[] = {Pooling::mean};
  const PoolOptions pool = {.modes = mean, .keep = bert.config.width};
  int counts[2];
  for (int& count : counts) {
    const int before = allocations;
    const Status status = encoder.run({.ids = texts.ids, .offsets = texts.offsets}, pool, out.data());
    count = allocations - before;
    ASSERT_TRUE(status.ok()) << status.message();
  }
  EXPECT_GT(counts[0], 0);  // the counter counts
  EXPECT_EQ(counts[1], 0);
}

}  // namespace
}  // namespace lathe::models
