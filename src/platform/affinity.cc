#include "platform/affinity.h"

#if defined(__linux__)
#include <sched.h>

#include <cerrno>
#include <memory>
#else
#include <numeric>
#include <thread>
#endif

namespace lathe {

#if defined(__linux__)
namespace {

struct FreeCpuSet {
  void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};
using CpuSet = std::unique_ptr<cpu_set_t, FreeCpuSet>;

// The kernel refuses a mask shorter than its own, whose length it does not tell: cpu_set_t stops at 1024 CPUs.
constexpr int kMostCpus = 1 << 16;

}  // namespace

int current_cpu() noexcept { return sched_getcpu(); }

std::vector<int> allowed_cpus() {
  std::vector<int> cpus;
  for (int capacity = CPU_SETSIZE; capacity <= kMostCpus; capacity *= 2) {
    const CpuSet set(CPU_ALLOC(static_cast<size_t>(capacity)));
    const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(capacity));
    if (!set) break;
    CPU_ZERO_S(bytes, set.get());
    if (sched_getaffinity(0, bytes, set.get()) == 0) {
      for (int cpu = 0; cpu < capacity; ++cpu)
        if (CPU_ISSET_S(static_cast<size_t>(cpu), bytes, set.get())) cpus.push_back(cpu);
      break;
    }
    if (errno != EINVAL) break;
  }
  return cpus;
}

bool bind_to_cpus(const std::vector<int>& cpus) {
  if (cpus.empty()) return false;
  const CpuSet set(CPU_ALLOC(static_cast<size_t>(kMostCpus)));
  const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(kMostCpus));
  if (!set) return false;
  CPU_ZERO_S(bytes, set.get());
  for (const int cpu : cpus)
    if (cpu >= 0 && cpu < kMostCpus) CPU_SET_S(static_cast<size_t>(cpu), bytes, set.get());
  return sched_setaffinity(0, bytes, set.get()) == 0;
}
#else
int current_cpu() noexcept { return -1; }

std::vector<int> allowed_cpus() {
  std::vector<int> cpus(std::thread::hardware_concurrency());
  std::iota(cpus.begin(), cpus.end(), 0);
  return cpus;
}

bool bind_to_cpus(const std::vector<int>&) { return false; }
#endif

}  // namespace lathe
