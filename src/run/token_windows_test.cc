#include "run/token_windows.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <vector>

#include "base/test_files.h"

namespace lathe::run {
namespace {

// Ids 0 .. count-1, so that an id is its own place.
class Windows : public testing::Test {
 protected:
  TokenShard shard(int64_t count, int64_t train) {
    const std::string path = folder_.path("shard");
    auto writer = TokenShardWriter::create(path, 1 << 20);
    EXPECT_TRUE(writer.ok());
    std::vector<int32_t> ids(static_cast<size_t>(count));
    std::iota(ids.begin(), ids.end(), 0);
    EXPECT_TRUE(writer->add(ids).ok());
    EXPECT_TRUE(writer->finish({.source = "test", .vocabulary = 1 << 20, .train_count = train}).ok());
    auto opened = TokenShard::open(path);
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    return std::move(opened).value();
  }
  FakeFolder folder_{"token_windows"};
};

TEST_F(Windows, AnEpochShowsEachWindowOnce) {
  const TokenShard data = shard(1000, 1000);
  const auto windows = TokenWindows::create(data, 10, 1, "d");
  ASSERT_TRUE(windows.ok());
  EXPECT_EQ(windows->per_epoch(), 98);
  for (int64_t e = 0; e < 20; ++e) {
    std::set<int64_t> begins;
    for (int64_t i = 0; i < 98; ++i) begins.insert(windows->begin(e * 98 + i));
    EXPECT_EQ(begins.size(), 98u);
    EXPECT_GE(*begins.begin(), 0);
    EXPECT_LT(*begins.rbegin() + 10, 1000);  // the id behind the window is there too
    EXPECT_EQ(*begins.rbegin() - *begins.begin(), 97 * 10);
  }
}

TEST_F(Windows, TargetsAreTheIdsThatFollow) {
  const TokenShard data = shard(100, 100);
  const auto windows = TokenWindows::create(data, 7, 3, "d");
  ASSERT_TRUE(windows.ok());
  std::vector<int32_t> inputs(21), targets(21);
  windows->fill(5, 3, inputs, targets);
  for (size_t i = 0; i < inputs.size(); ++i) EXPECT_EQ(targets[i], inputs[i] + 1);
  EXPECT_EQ(inputs[7], windows->begin(6));
}

TEST_F(Windows, EverySizeDownToOneWindow) {
  for (int64_t count = 5; count < 40; ++count) {
    const TokenShard data = shard(count, count);
    const auto windows = TokenWindows::create(data, 4, 9, "d");
    ASSERT_TRUE(windows.ok()) << count;
    for (int64_t position = 0; position < 50; ++position) {
      ASSERT_GE(windows->begin(position), 0);
      ASSERT_LT(windows->begin(position) + 4, count);
    }
  }
}

TEST_F(Windows, DataShorterThanAWindowIsASentence) {
  for (const int64_t count : {0, 1, 4}) {
    const TokenShard data = shard(count, count);
    const Status status = TokenWindows::create(data, 4, 1, "file.shard").status();
    EXPECT_EQ(status.message(), "file.shard: the training part has " + std::to_string(count) +
                                    " ids, needed: 5 for one window of 4; use more text or a smaller --context");
  }
  const TokenShard data = shard(10, 7);
  EXPECT_NE(ValidationWindows::create(data, 7, 4, 0, "f").status().message().find("the validation part has 3 ids"),
            std::string::npos);
}

TEST_F(Windows, ValidationTakesAllOrAnEvenShare) {
  const TokenShard data = shard(1000, 500);
  const auto all = ValidationWindows::create(data, 500, 10, 0, "d");
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->count(), 49);
  std::vector<int32_t> inputs(490), targets(490);
  all->fill(0, 49, inputs, targets);
  for (size_t i = 0; i < inputs.size(); ++i) ASSERT_EQ(inputs[i], 500 + static_cast<int32_t>(i));
  const auto some = ValidationWindows::create(data, 500, 10, 7, "d");
  ASSERT_TRUE(some.ok());
  EXPECT_EQ(some->count(), 7);
  some->fill(0, 7, inputs, targets);
  EXPECT_EQ(inputs[0], 500);
  EXPECT_EQ(inputs[10], 570);
  EXPECT_EQ(inputs[60], 920);
  EXPECT_EQ(targets[69], 930);
}

}  // namespace
}  // namespace lathe::run
