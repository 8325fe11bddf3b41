#include "platform/cgroup.h"

#include <gtest/gtest.h>

#include "platform/fake_files.h"

namespace lathe {
namespace {

const std::string kV2Mount = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const std::string kV1Mounts =
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n";

TEST(CgroupText, CpuMax) {
  EXPECT_EQ(parse_cpu_max("200000 100000\n"), 2.0);
  EXPECT_EQ(parse_cpu_max("50000 100000"), 0.5);
  for (const char* none : {"max 100000\n", "", "max", "200000", "0 100000", "100 0", "-1 100000", "1 2 3", "a b"})
    EXPECT_FALSE(parse_cpu_max(none)) << none;
}

TEST(CgroupText, CfsQuota) {
  EXPECT_EQ(parse_cfs_quota("150000\n", "100000\n"), 1.5);
  EXPECT_FALSE(parse_cfs_quota("-1\n", "100000\n"));
  EXPECT_FALSE(parse_cfs_quota("150000", ""));
}

TEST(CgroupText, MemoryLimit) {
  EXPECT_EQ(parse_memory_limit("1073741824\n"), 1 << 30);
  for (const char* none : {"max\n", "9223372036854771712\n", "", "-1", "0", "9223372036854775808"})
    EXPECT_FALSE(parse_memory_limit(none)) << none;
}

TEST(CgroupLimits, V2TakesTheTightestOfTheGroupsAbove) {
  const auto limits = cgroup_limits(reader({
      {"/proc/self/mountinfo", kV2Mount},
      {"/proc/self/cgroup", "0::/user.slice/build.scope\n"},
      {"/sys/fs/cgroup/user.slice/build.scope/cpu.max", "max 100000\n"},
      {"/sys/fs/cgroup/user.slice/build.scope/memory.max", "8589934592\n"},
      {"/sys/fs/cgroup/user.slice/cpu.max", "350000 100000\n"},
      {"/sys/fs/cgroup/user.slice/memory.max", "max\n"},
      {"/sys/fs/cgroup/cpu.max", "800000 100000\n"},
  }));
  EXPECT_EQ(limits.cpus, 3.5);
  EXPECT_EQ(limits.cpus_source, "/sys/fs/cgroup/user.slice/cpu.max");
  EXPECT_EQ(limits.memory, int64_t{8} << 30);
  EXPECT_EQ(limits.memory_source, "/sys/fs/cgroup/user.slice/build.scope/memory.max");
}

TEST(CgroupLimits, V1FindsItsControllersAmongJoinedOnes) {
  const auto limits = cgroup_limits(reader({
      {"/proc/self/mountinfo", kV1Mounts},
      {"/proc/self/cgroup", "9:name=systemd:/\n4:memory:/a/b\n1:cpuacct,cpu:/jobs/7\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/jobs/7/cpu.cfs_quota_us", "-1\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/jobs/7/cpu.cfs_period_us", "100000\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_quota_us", "25000\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_period_us", "50000\n"},
      {"/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n"},
      {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "4294967296\n"},
  }));
  EXPECT_EQ(limits.cpus, 0.5);
  EXPECT_EQ(limits.cpus_source, "/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_quota_us");
  EXPECT_EQ(limits.memory, int64_t{4} << 30);
}

TEST(CgroupLimits, AContainerSeesItsOwnGroupAsTheMountedRoot) {
  const auto limits = cgroup_limits(reader({
      {"/proc/self/mountinfo", "1 2 0:29 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n"},
      {"/proc/self/cgroup", "1:cpu:/docker/abc/worker\n"},
      {"/sys/fs/cgroup/cpu/worker/cpu.cfs_quota_us", "300000"},
      {"/sys/fs/cgroup/cpu/worker/cpu.cfs_period_us", "100000"},
      {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000"},
      {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000"},
  }));
  EXPECT_EQ(limits.cpus, 2.0);
  EXPECT_EQ(limits.cpus_source, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
}

TEST(CgroupLimits, AGroupOutsideOfWhatIsMountedFallsBackToTheMount) {
  for (const char* group : {"0::/../../elsewhere\n", "0::/other\n", "0::relative\n", "0::\n"}) {
    const auto limits = cgroup_limits(reader({
        {"/proc/self/mountinfo", "1 2 0:29 /mine /sys/fs/my\\040cgroup ro - cgroup2 cgroup2 rw\n"},
        {"/proc/self/cgroup", group},
        {"/sys/fs/my cgroup/cpu.max", "100000 100000"},
    }));
    EXPECT_EQ(limits.cpus, 1.0) << group;
  }
}

TEST(CgroupLimits, HybridTakesTheTighterOfBoth) {
  const auto limits = cgroup_limits(reader({
      {"/proc/self/mountinfo", kV1Mounts + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"},
      {"/proc/self/cgroup", "1:cpu:/\n0::/x\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "600000"},
      {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000"},
      {"/sys/fs/cgroup/unified/x/cpu.max", "400000 100000"},
  }));
  EXPECT_EQ(limits.cpus, 4.0);
}

TEST(CgroupLimits, NothingAndGarbageAreNoLimit) {
  const std::vector<FakeFiles> hosts = {
      {},
      {{"/proc/self/mountinfo", "\n- - -\n1 2 3 - cgroup2\n - cgroup2 x y\n"}, {"/proc/self/cgroup", "0::/\n"}},
      {{"/proc/self/mountinfo", kV2Mount}, {"/proc/self/cgroup", ":\n::::\n0:\n7\n"}},
      {{"/proc/self/mountinfo", kV2Mount},
       {"/proc/self/cgroup", "0::/\n"},
       {"/sys/fs/cgroup/cpu.max", "lots"},
       {"/sys/fs/cgroup/memory.max", "12 apples"}},
  };
  for (const FakeFiles& files : hosts) {
    const auto limits = cgroup_limits(reader(files));
    EXPECT_EQ(limits.cpus, 0);
    EXPECT_EQ(limits.memory, 0);
    EXPECT_EQ(limits.cpus_source, "");
  }
}

}  // namespace
}  // namespace lathe
