// How a Machine is found out. Files are read through a function, so that tests describe machines that are not at hand.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/machine.h"

namespace lathe {

// The whole text of a file in /proc or /sys; nothing where it cannot be read.
using ReadFile = std::function<std::optional<std::string>(const std::string& path)>;
std::optional<std::string> read_system_file(const std::string& path);

// Everything that files tell. `allowed_cpus` as the affinity mask has them.
Machine describe_machine(const ReadFile& read, std::vector<int> allowed_cpus);

// What macOS tells, which has none of these files; elsewhere it changes nothing.
void describe_by_sysctl(Machine& machine);

// What the processor itself says of its caches, where sysfs says nothing (containers that hide it, gVisor).
struct Caches {
  Cache l1d, l2, l3;
};
Caches caches_from_cpuid();
// One answer of CPUID leaf 4 or 0x8000001d.
struct CacheAnswer {
  uint32_t eax = 0, ebx = 0, ecx = 0;
};
Caches decode_caches(const std::vector<CacheAnswer>& answers);

struct Recommendation {
  int threads;
  std::string reason;
};
Recommendation recommend_threads(const Machine& machine);

}  // namespace lathe
