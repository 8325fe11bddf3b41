#include "platform/machine.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "platform/affinity.h"
#include "platform/cgroup.h"
#include "platform/machine_detect.h"
#include "platform/system_text.h"

namespace lathe {
namespace {

const std::string kCpus = "/sys/devices/system/cpu/";

std::string cpu_folder(int cpu) { return kCpus + "cpu" + std::to_string(cpu) + "/"; }

bool has_word(std::string_view text, std::string_view word) {
  const auto words = split(text, ' ');
  return std::find(words.begin(), words.end(), word) != words.end();
}

void describe_processor(std::string_view cpuinfo, Machine& machine) {
  const auto joined = [&](std::initializer_list<const char*> keys) {
    std::string text;
    for (const char* key : keys) {
      const std::string_view value = cpuinfo_field(cpuinfo, key);
      if (!text.empty()) text += '-';
      text += value.empty() ? "unknown" : value;
    }
    return text;
  };
  const bool arm = !cpuinfo_field(cpuinfo, "CPU implementer").empty();
  machine.signature = arm ? joined({"CPU implementer", "CPU part", "CPU variant", "CPU revision"})
                          : joined({"vendor_id", "cpu family", "model", "stepping"});
  for (char& c : machine.signature)  // it becomes part of a file's name
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.') c = '-';
  machine.cpu = cpuinfo_field(cpuinfo, "model name");
  if (machine.cpu.empty()) machine.cpu = machine.signature;
  machine.hypervisor = has_word(cpuinfo_field(cpuinfo, "flags"), "hypervisor");
}

Caches caches_from_sysfs(const ReadFile& read, int cpu) {
  Caches caches;
  for (int index = 0; index < 16; ++index) {
    const std::string folder = cpu_folder(cpu) + "cache/index" + std::to_string(index) + "/";
    const auto field = [&](const char* name) { return read(folder + name).value_or(""); };
    const auto level = parse_integer(field("level")), bytes = parse_cache_size(field("size"));
    if (!level) break;
    if (!bytes || trim(field("type")) == "Instruction") continue;
    Cache* cache = *level == 1 ? &caches.l1d : *level == 2 ? &caches.l2 : *level == 3 ? &caches.l3 : nullptr;
    if (cache == nullptr) continue;
    cache->bytes = *bytes;
    cache->line = static_cast<int>(parse_integer(field("coherency_line_size")).value_or(0));
    cache->shared_by = static_cast<int>(parse_cpu_list(field("shared_cpu_list")).size());
  }
  return caches;
}

void describe_caches(const ReadFile& read, Machine& machine) {
  const int cpu = machine.allowed_cpus.front();
  Caches caches = caches_from_sysfs(read, cpu);
  if (caches.l1d.bytes == 0) caches = caches_from_cpuid();
  machine.l1d = caches.l1d, machine.l2 = caches.l2, machine.l3 = caches.l3;
}

// Cores are told apart by the list of logical CPUs that share them.
void describe_cores(const ReadFile& read, Machine& machine) {
  const size_t online = parse_cpu_list(read(kCpus + "online").value_or("")).size();
  machine.logical_cpus = static_cast<int>(std::max(online, machine.allowed_cpus.size()));
  std::set<std::vector<int>> cores;
  for (const int cpu : machine.allowed_cpus) {
    const std::string topology = cpu_folder(cpu) + "topology/";
    auto siblings = parse_cpu_list(read(topology + "core_cpus_list").value_or(""));
    if (siblings.empty()) siblings = parse_cpu_list(read(topology + "thread_siblings_list").value_or(""));
    if (siblings.empty()) siblings = {cpu};
    machine.threads_per_core = std::max(machine.threads_per_core, static_cast<int>(siblings.size()));
    cores.insert(std::move(siblings));
  }
  machine.physical_cores = static_cast<int>(cores.size());
  const auto nodes = parse_cpu_list(read("/sys/devices/system/node/online").value_or(""));
  machine.numa_nodes = std::max(1, static_cast<int>(nodes.size()));
}

void describe_limits(const ReadFile& read, Machine& machine) {
  const std::string meminfo = read("/proc/meminfo").value_or("");
  machine.memory_total = meminfo_bytes(meminfo, "MemTotal").value_or(0);
  machine.memory_available = meminfo_bytes(meminfo, "MemAvailable").value_or(0);
  CgroupLimits limits = cgroup_limits(read);
  machine.cpu_quota = limits.cpus;
  machine.quota_source = std::move(limits.cpus_source);
  machine.memory_limit = limits.memory;
  machine.memory_source = std::move(limits.memory_source);
}

Machine detect_machine() {
  Machine machine = describe_machine(read_system_file, allowed_cpus());
  describe_by_sysctl(machine);
  machine.features = cpu_features();
  utsname name{};
  if (uname(&name) == 0) machine.kernel = std::string(name.sysname) + " " + name.release;
  return machine;
}

}  // namespace

std::optional<std::string> read_system_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Machine describe_machine(const ReadFile& read, std::vector<int> allowed) {
  Machine machine;
  if (allowed.empty()) allowed = {0};
  machine.allowed_cpus = std::move(allowed);
  describe_processor(read("/proc/cpuinfo").value_or(""), machine);
  describe_caches(read, machine);
  describe_cores(read, machine);
  describe_limits(read, machine);
  machine.load = parse_loadavg(read("/proc/loadavg").value_or("")).value_or(std::array<double, 3>{});
  Recommendation recommendation = recommend_threads(machine);
  machine.threads = recommendation.threads;
  machine.threads_reason = std::move(recommendation.reason);
  return machine;
}

const Machine& this_machine() {
  static const Machine machine = detect_machine();
  return machine;
}

std::array<double, 3> load_averages() {
  std::array<double, 3> load{};
  if (::getloadavg(load.data(), 3) != 3) load = {};
  return load;
}

}  // namespace lathe
