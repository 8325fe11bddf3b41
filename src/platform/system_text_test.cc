#include "platform/system_text.h"

#include <gtest/gtest.h>

namespace lathe {
namespace {

TEST(SystemText, CpuLists) {
  EXPECT_EQ(parse_cpu_list("0-3,8\n"), (std::vector<int>{0, 1, 2, 3, 8}));
  EXPECT_EQ(parse_cpu_list("5"), (std::vector<int>{5}));
  for (const char* garbage : {"", "\n", "a", "3-1", "-2", "0-", "0,,2", "0-99999999999", "0-70000", "1;2"})
    EXPECT_TRUE(parse_cpu_list(garbage).empty()) << garbage;
}

TEST(SystemText, CacheSizes) {
  EXPECT_EQ(parse_cache_size("32K\n"), 32 << 10);
  EXPECT_EQ(parse_cache_size("32M"), 32 << 20);
  EXPECT_EQ(parse_cache_size("49152"), 49152);
  for (const char* garbage : {"", "K", "-1K", "0K", "12Q", "9223372036854775807K"})
    EXPECT_FALSE(parse_cache_size(garbage)) << garbage;
}

TEST(SystemText, Integers) {
  EXPECT_EQ(parse_integer(" -12 \n"), -12);
  for (const char* garbage : {"", "1 2", "0x10", "9223372036854775808", "1.5"}) EXPECT_FALSE(parse_integer(garbage));
}

TEST(SystemText, CpuinfoTakesTheFirstProcessorAndTheWholeKey) {
  const char* text = "processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD EPYC: 7\n\nprocessor\t: 1\nmodel\t: 2\n";
  EXPECT_EQ(cpuinfo_field(text, "model"), "1");
  EXPECT_EQ(cpuinfo_field(text, "model name"), "AMD EPYC: 7");
  EXPECT_EQ(cpuinfo_field(text, "name"), "");
  EXPECT_EQ(cpuinfo_field("", "model"), "");
}

TEST(SystemText, Meminfo) {
  const char* text = "MemTotal:       24684092 kB\nMemAvailable:   1 kB\nHugePages_Total:       7\nBad: x kB\n";
  EXPECT_EQ(meminfo_bytes(text, "MemTotal"), int64_t{24684092} * 1024);
  EXPECT_EQ(meminfo_bytes(text, "MemAvailable"), 1024);
  for (const char* key : {"HugePages_Total", "Bad", "MemFree"}) EXPECT_FALSE(meminfo_bytes(text, key)) << key;
}

TEST(SystemText, Loadavg) {
  const auto load = parse_loadavg("0.70 0.21 12.5 3/95 6578\n");
  ASSERT_TRUE(load);
  EXPECT_EQ(*load, (std::array<double, 3>{0.70, 0.21, 12.5}));
  for (const char* garbage : {"", "1", "1 2", "1 2 x"}) EXPECT_FALSE(parse_loadavg(garbage)) << garbage;
}

}  // namespace
}  // namespace lathe
