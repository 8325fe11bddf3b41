// The machine this process runs on, as far as it may use it: processor, caches, the CPUs that the affinity mask and
// the cgroups leave, memory, and the number of threads that follow from all that.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "platform/cpu.h"

namespace lathe {

struct Cache {
  int64_t bytes = 0;  // of one instance; 0: there is none, or the system does not say
  int line = 0;
  int shared_by = 0;  // logical CPUs that share an instance
};

struct Machine {
  std::string cpu;        // "AMD EPYC", for people
  std::string signature;  // "AuthenticAMD-25-1-1": vendor, family, model, stepping; letters, digits, '-', '.' only
  FeatureSet features = 0;
  Cache l1d, l2, l3;

  int logical_cpus = 1;           // online
  std::vector<int> allowed_cpus;  // of those, the ones this process may run on
  int physical_cores = 1;         // under the allowed CPUs
  int threads_per_core = 1;       // 2 and more: SMT is on
  int numa_nodes = 1;
  double cpu_quota = 0;      // CPUs' worth of time per period, the tightest of all cgroups above us; 0: no limit
  std::string quota_source;  // the file that says so

  int64_t memory_total = 0;
  int64_t memory_available = 0;  // when asked first
  int64_t memory_limit = 0;      // the tightest cgroup's; 0: no limit
  std::string memory_source;

  std::string kernel;  // "Linux 6.1.0"
  bool hypervisor = false;
  std::array<double, 3> load{};  // averages over 1, 5 and 15 minutes, when asked first

  int threads = 1;  // what a team should have here
  std::string threads_reason;
};

// Asked once, at the first call; the same answer from then on.
const Machine& this_machine();

// The load averages now.
std::array<double, 3> load_averages();

}  // namespace lathe
