#include "platform/machine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/affinity.h"
#include "platform/fake_files.h"

namespace lathe {
namespace {

// Two sockets of two cores, two threads each; siblings are n and n + 4, as on most Intel servers.
FakeFiles xeon() {
  FakeFiles files = {
      {"/proc/cpuinfo",
       "processor : 0\nvendor_id : GenuineIntel\ncpu family : 6\nmodel : 143\nmodel name : Intel(R) Xeon(R) 8480+\n"
       "stepping : 8\nflags : fpu avx2 hypervisor lahf_lm\n"},
      {"/proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n"},
      {"/proc/loadavg", "1.50 0.25 0.00 1/99 1234\n"},
      {"/sys/devices/system/cpu/online", "0-7\n"},
      {"/sys/devices/system/node/online", "0-1\n"},
  };
  const auto cache = [&](int cpu, int index, const char* level, const char* type, const char* size,
                         const char* shared) {
    const std::string folder =
        "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index" + std::to_string(index) + "/";
    files[folder + "level"] = level, files[folder + "type"] = type, files[folder + "size"] = size;
    files[folder + "coherency_line_size"] = "64\n", files[folder + "shared_cpu_list"] = shared;
  };
  for (int cpu = 0; cpu < 8; ++cpu) {
    const std::string core = std::to_string(cpu % 4) + "," + std::to_string(cpu % 4 + 4) + "\n";
    files["/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list"] = core;
    cache(cpu, 0, "1\n", "Data\n", "48K\n", core.c_str());
    cache(cpu, 1, "1\n", "Instruction\n", "32K\n", core.c_str());
    cache(cpu, 2, "2\n", "Unified\n", "2048K\n", core.c_str());
    cache(cpu, 3, "3\n", "Unified\n", "107520K\n", cpu % 4 < 2 ? "0-1,4-5\n" : "2-3,6-7\n");
  }
  return files;
}

TEST(DescribeMachine, TwoSocketsWithSmt) {
  const Machine m = describe_machine(reader(xeon()), {0, 1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(m.cpu, "Intel(R) Xeon(R) 8480+");
  EXPECT_EQ(m.signature, "GenuineIntel-6-143-8");
  EXPECT_TRUE(m.hypervisor);
  EXPECT_EQ(m.l1d.bytes, 48 << 10);
  EXPECT_EQ(m.l1d.line, 64);
  EXPECT_EQ(m.l1d.shared_by, 2);
  EXPECT_EQ(m.l2.bytes, 2 << 20);
  EXPECT_EQ(m.l3.bytes, 105 << 20);
  EXPECT_EQ(m.l3.shared_by, 4);
  EXPECT_EQ(m.logical_cpus, 8);
  EXPECT_EQ(m.physical_cores, 4);
  EXPECT_EQ(m.threads_per_core, 2);
  EXPECT_EQ(m.numa_nodes, 2);
  EXPECT_EQ(m.memory_total, 1 << 30);
  EXPECT_EQ(m.memory_available, 1 << 29);
  EXPECT_EQ(m.load[0], 1.5);
  EXPECT_EQ(m.threads, 4);
  EXPECT_EQ(m.threads_reason, "one per physical core; the 2 threads of a core share its arithmetic");
}

TEST(DescribeMachine, AnAffinityMaskCountsTheCoresUnderIt) {
  const Machine m = describe_machine(reader(xeon()), {1, 3, 5});  // 1 and 5 are one core
  EXPECT_EQ(m.logical_cpus, 8);
  EXPECT_EQ(m.physical_cores, 2);
  EXPECT_EQ(m.threads, 2);
  EXPECT_NE(m.threads_reason.find("3 of 8 logical CPUs"), std::string::npos) << m.threads_reason;
}

TEST(DescribeMachine, AQuotaBelowTheCoresDecides) {
  FakeFiles files = xeon();
  files["/proc/self/mountinfo"] = "1 2 0:2 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
  files["/proc/self/cgroup"] = "0::/\n";
  const std::vector<int> all = {0, 1, 2, 3, 4, 5, 6, 7};
  const auto with_quota = [&](const char* quota) {
    files["/sys/fs/cgroup/cpu.max"] = quota;
    return describe_machine(reader(files), all);
  };
  EXPECT_EQ(with_quota("250000 100000").threads, 3);
  EXPECT_EQ(with_quota("250000 100000").threads_reason,
            "the cgroup's quota of 2.5 CPUs, rounded up, below the 4 physical cores that are there");
  EXPECT_EQ(with_quota("200000 100000").threads, 2);
  EXPECT_EQ(with_quota("1000 100000").threads, 1);
  EXPECT_EQ(with_quota("400000 100000").threads, 4);
  EXPECT_EQ(with_quota("9000000000000000000 1").threads, 4);
  EXPECT_EQ(with_quota("max 100000").threads, 4);
}

TEST(DescribeMachine, ArmHasItsOwnNames) {
  const Machine m = describe_machine(reader({{"/proc/cpuinfo",
                                              "processor : 0\nCPU implementer : 0x41\nCPU architecture: 8\n"
                                              "CPU variant : 0x3\nCPU part : 0xd0c\nCPU revision : 1\n"}}),
                                     {0});
  EXPECT_EQ(m.signature, "0x41-0xd0c-0x3-1");
  EXPECT_EQ(m.cpu, m.signature);
}

TEST(DescribeMachine, ASystemThatTellsNothingHasOneThread) {
  const Machine m = describe_machine(reader({}), {});
  EXPECT_EQ(m.threads, 1);
  EXPECT_EQ(m.allowed_cpus.size(), 1u);
  EXPECT_EQ(m.signature, "unknown-unknown-unknown-unknown");
  EXPECT_EQ(m.cpu_quota, 0);
}

TEST(DecodeCaches, IntelLeaf4) {
  // Ice Lake server: L1d 48 KiB 12-way, L1i (ignored), L2 1.25 MiB 20-way, L3 of 54 MiB 12-way shared by 64.
  const Caches caches = decode_caches({
      {0x04004121, 0x02c0003f, 63},
      {0x04004122, 0x01c0003f, 63},
      {0x04004143, 0x04c0003f, 1023},
      {0x040fc163, 0x02c0003f, 73727},
  });
  EXPECT_EQ(caches.l1d.bytes, 48 << 10);
  EXPECT_EQ(caches.l1d.line, 64);
  EXPECT_EQ(caches.l1d.shared_by, 2);
  EXPECT_EQ(caches.l2.bytes, 1280 << 10);
  EXPECT_EQ(caches.l3.bytes, 54 << 20);
  EXPECT_EQ(caches.l3.shared_by, 64);
}

TEST(ThisMachine, IsConsistentAndAskedOnce) {
  const Machine& m = this_machine();
  EXPECT_EQ(&m, &this_machine());
  EXPECT_EQ(m.allowed_cpus, allowed_cpus());
  EXPECT_EQ(m.features, cpu_features());
  EXPECT_EQ(m.logical_cpus, sysconf(_SC_NPROCESSORS_ONLN));
  EXPECT_GE(m.threads, 1);
  EXPECT_LE(m.threads, static_cast<int>(m.allowed_cpus.size()));
  EXPECT_FALSE(m.threads_reason.empty());
  EXPECT_EQ(m.memory_total, sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
  EXPECT_EQ(m.kernel.substr(0, 6), "Linux ");
  EXPECT_EQ(m.signature.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."),
            std::string::npos);
}

TEST(ThisMachine, TheProcessorAndSysfsAgreeOnTheCaches) {
  const Machine& m = this_machine();
  const Caches caches = caches_from_cpuid();
  if (caches.l1d.bytes == 0 || !read_system_file("/sys/devices/system/cpu/cpu0/cache/index0/size"))
    GTEST_SKIP() << "one of the two says nothing here";
  EXPECT_EQ(m.l1d.bytes, caches.l1d.bytes);
  EXPECT_EQ(m.l2.bytes, caches.l2.bytes);
  EXPECT_EQ(m.l1d.line, caches.l1d.line);
}

}  // namespace
}  // namespace lathe
