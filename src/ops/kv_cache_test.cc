#include "ops/kv_cache.h"

#include <gtest/gtest.h>

#include <cstring>

namespace lathe::ops {
namespace {

constexpr KvShape kShape = {.layers = 1, .kv_heads = 2, .head_dim = 8, .type = KvType::f16};

// Grows by `count` positions, of which the first byte of each page says `mark`.
void grow(KvText& text, int64_t count, int mark) {
  ASSERT_TRUE(text.reserve(text.length() + count).ok());
  for (int64_t i = text.length() / kKvPage; i <= (text.length() + count - 1) / kKvPage; ++i)
    text.pages()[i][0] = static_cast<std::byte>(mark);
  text.advance(count);
}

TEST(KvCache, GrowsByPagesAndGivesThemBack) {
  KvPool pool(kShape);
  {
    KvText text(pool);
    grow(text, 1, 1);
    EXPECT_EQ(pool.in_use(), 1);
    grow(text, 63, 1);
    EXPECT_EQ(pool.in_use(), 1);
    grow(text, 1, 1);
    EXPECT_EQ(pool.in_use(), 2);
    text.truncate(64);
    EXPECT_EQ(pool.in_use(), 1);
  }
  EXPECT_EQ(pool.in_use(), 0);
  EXPECT_EQ(pool.pages(), 2);  // they stay for the next
  KvText next(pool);
  grow(next, 100, 1);
  EXPECT_EQ(pool.pages(), 2);
}

TEST(KvCache, ABeginningIsSharedAndCopiedByWhoWritesOnItsLastPage) {
  KvPool pool(kShape);
  KvText first(pool);
  grow(first, 100, 1);
  KvText second = first.fork(90);
  EXPECT_EQ(second.length(), 90);
  EXPECT_EQ(pool.in_use(), 2);
  EXPECT_EQ(second.pages()[1], first.pages()[1]);
  grow(second, 1, 2);
  EXPECT_EQ(pool.in_use(), 3);
  EXPECT_EQ(second.pages()[0], first.pages()[0]);
  ASSERT_NE(second.pages()[1], first.pages()[1]);
  EXPECT_EQ(first.pages()[1][0], std::byte{1});
  std::byte* own = first.pages()[1];
  grow(first, 1, 3);  // nobody else holds its last page now
  EXPECT_EQ(first.pages()[1], own);
  EXPECT_EQ(second.pages()[1][0], std::byte{2});
  first = KvText(pool);
  EXPECT_EQ(pool.in_use(), 2);
}

TEST(KvCache, AWholePageIsNeverCopied) {
  KvPool pool(kShape);
  KvText first(pool);
  grow(first, 128, 1);
  KvText second = first.fork(64);
  grow(second, 1, 2);
  EXPECT_EQ(pool.in_use(), 3);
  EXPECT_EQ(first.pages()[0][0], std::byte{1});
}

TEST(KvCache, ALimitIsASentenceAndTheTextStaysAsItIs) {
  KvPool pool(kShape, 2);
  KvText text(pool);
  grow(text, 100, 1);
  const Status status = text.reserve(200);
  EXPECT_EQ(status.code(), Code::out_of_memory);
  EXPECT_NE(status.message().find("2 pages of 64 positions"), std::string::npos) << status.message();
  EXPECT_EQ(text.length(), 100);
  EXPECT_EQ(pool.in_use(), 2);
}

}  // namespace
}  // namespace lathe::ops
