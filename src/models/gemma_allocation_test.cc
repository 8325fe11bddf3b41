// A pass allocates nothing once its count of tokens was seen. The counters replace operator new for the whole program,
// hence a file alone.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "models/gemma_encoder.h"
#include "models/test_bert.h"
#include "models/test_gemma.h"

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

TEST(GemmaAllocation, ASecondPassAllocatesNothing) {
  const testing::TestGemma gemma;
  const testing::TestDense dense(gemma.config.width);
  const testing::TestTexts texts({5, 160, 17}, gemma.config.vocabulary);
  const auto team = Team::create({.threads = 2});
  ASSERT_TRUE(team.ok());
  auto weights = GemmaWeights::bind(gemma.config, *gemma.table(), matmul::Type::f32, team->get());
  ASSERT_TRUE(weights.ok());
  GemmaEncoder encoder(gemma.config, std::move(*weights), matmul::Type::f32, **team);
  encoder.set_head(std::move(*DenseHead::bind(dense.layers, gemma.config.width, matmul::Type::f32, **team)));
  std::vector<float> out(static_cast<size_t>(3 * encoder.vector_size(1)));
  constexpr Pooling mean[] = {Pooling::mean};
  const PoolOptions pool = {.modes = mean, .keep = encoder.vector_size(1)};
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
