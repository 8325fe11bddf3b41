#include "platform/process_memory.h"

#include <gtest/gtest.h>

#include <vector>

namespace lathe {
namespace {

TEST(ProcessMemory, ReadsTheKernelsFigures) {
  const auto m = parse_process_memory("Name:\tx\nVmHWM:\t   30 kB\nRssAnon:\t 10 kB\nRssFile:\t  5 kB\n");
  ASSERT_TRUE(m);
  EXPECT_EQ(m->anonymous, 10 * 1024);
  EXPECT_EQ(m->resident(), 15 * 1024);
  EXPECT_EQ(m->peak, 30 * 1024);
  EXPECT_FALSE(parse_process_memory("Name:\tx\nVmHWM:\t30 kB\n"));
  EXPECT_FALSE(parse_process_memory("\nVmHWM:\nRssAnon:\nRssFile:"));
}

TEST(ProcessMemory, SeesWhatIsTouched) {
  const auto before = process_memory();
  if (!before) GTEST_SKIP() << "this system does not tell";
  const std::vector<char> touched(32 << 20, 1);
  const auto after = process_memory();
  ASSERT_TRUE(after);
  EXPECT_GE(after->anonymous - before->anonymous, static_cast<int64_t>(touched.size()) - (1 << 20));
}

}  // namespace
}  // namespace lathe
