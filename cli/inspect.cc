// lathe inspect: what the engine knows about this machine; inspect_devices.cc, inspect_kernels.cc and inspect_model.cc
// have the rest.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "inspect_devices.h"
#include "inspect_kernels.h"
#include "inspect_model.h"
#include "platform/machine.h"

namespace lathe::cli {
namespace {

struct Options {
  bool json = false;
};

using Lines = std::vector<std::pair<std::string, std::string>>;

std::string bytes_text(int64_t bytes) {
  if (bytes == 0) return "unknown";
  if (bytes >= int64_t{1} << 30) return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / 0x1p30);
  if (bytes % (int64_t{1} << 20) == 0) return fmt::format("{} MiB", bytes >> 20);
  return fmt::format("{} KiB", bytes >> 10);
}

std::string cache_text(const Cache& cache) {
  if (cache.bytes == 0) return "none known";
  std::string text = bytes_text(cache.bytes);
  if (cache.line != 0) text += fmt::format(", lines of {} bytes", cache.line);
  if (cache.shared_by == 1) text += ", one per logical CPU";
  if (cache.shared_by > 1) text += fmt::format(", shared by {} logical CPUs", cache.shared_by);
  return text;
}

// 0 1 2 3 8 as "0-3,8".
std::string cpu_list(const std::vector<int>& cpus) {
  std::string text;
  for (size_t i = 0; i < cpus.size();) {
    size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    text += text.empty() ? "" : ",";
    text += last == i ? fmt::format("{}", cpus[i]) : fmt::format("{}-{}", cpus[i], cpus[last]);
    i = last + 1;
  }
  return text;
}

std::string isas_text(FeatureSet features) {
  std::string text;
  for (int i = 0; i <= static_cast<int>(Isa::sme); ++i) {
    const auto isa = static_cast<Isa>(i);
    if (has_all(features, isa_needs(isa))) text += (text.empty() ? "" : " ") + std::string(isa_name(isa));
  }
  return text;
}

Lines describe(const Machine& m) {
  const auto limit = [](bool there, const std::string& value, const std::string& source) {
    return there ? fmt::format("{} ({})", value, source) : std::string("none");
  };
  return {
      {"processor", m.cpu},
      {"signature", m.signature},
      {"features", m.features == 0 ? "none that kernels use" : feature_names(m.features)},
      {"instruction sets", isas_text(m.features)},
      {"SME vectors", streaming_vector_bits() == 0 ? "none" : fmt::format("{} bits", streaming_vector_bits())},
      {"L1 data cache", cache_text(m.l1d)},
      {"L2 cache", cache_text(m.l2)},
      {"L3 cache", cache_text(m.l3)},
      {"logical CPUs", fmt::format("{}", m.logical_cpus)},
      {"allowed CPUs", fmt::format("{} ({})", m.allowed_cpus.size(), cpu_list(m.allowed_cpus))},
      {"physical cores",
       fmt::format("{}, {} thread{} each", m.physical_cores, m.threads_per_core, m.threads_per_core == 1 ? "" : "s")},
      {"NUMA nodes", fmt::format("{}", m.numa_nodes)},
      {"CPU quota", limit(m.cpu_quota > 0, fmt::format("{:.4g} CPUs", m.cpu_quota), m.quota_source)},
      {"memory", fmt::format("{}, {} available", bytes_text(m.memory_total), bytes_text(m.memory_available))},
      {"memory limit", limit(m.memory_limit > 0, bytes_text(m.memory_limit), m.memory_source)},
      {"kernel", m.kernel + (m.hypervisor ? ", under a hypervisor" : "")},
      {"load", fmt::format("{:.2f} {:.2f} {:.2f}", m.load[0], m.load[1], m.load[2])},
      {"threads", fmt::format("{}: {}", m.threads, m.threads_reason)},
  };
}

nlohmann::ordered_json words(const std::string& spaced) {
  auto list = nlohmann::ordered_json::array();
  for (size_t at = 0; at < spaced.size();) {
    const size_t end = std::min(spaced.find(' ', at), spaced.size());
    list.push_back(spaced.substr(at, end - at));
    at = end + 1;
  }
  return list;
}

// 0 means "not known" or "no limit" in Machine, and null says so to a program.
nlohmann::ordered_json or_null(auto value) {
  return value == 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(value);
}

nlohmann::ordered_json cache_json(const Cache& cache) {
  if (cache.bytes == 0) return nullptr;
  return {{"bytes", cache.bytes}, {"line", or_null(cache.line)}, {"shared_by", or_null(cache.shared_by)}};
}

nlohmann::ordered_json to_json(const Machine& m) {
  return {
      {"cpu", m.cpu},
      {"signature", m.signature},
      {"features", words(feature_names(m.features))},
      {"isas", words(isas_text(m.features))},
      {"streaming_vector_bits", or_null(streaming_vector_bits())},
      {"caches", {{"l1d", cache_json(m.l1d)}, {"l2", cache_json(m.l2)}, {"l3", cache_json(m.l3)}}},
      {"logical_cpus", m.logical_cpus},
      {"allowed_cpus", m.allowed_cpus},
      {"physical_cores", m.physical_cores},
      {"threads_per_core", m.threads_per_core},
      {"numa_nodes", m.numa_nodes},
      {"cpu_quota", or_null(m.cpu_quota)},
      {"cpu_quota_source", m.quota_source},
      {"memory_total", or_null(m.memory_total)},
      {"memory_available", or_null(m.memory_available)},
      {"memory_limit", or_null(m.memory_limit)},
      {"memory_limit_source", m.memory_source},
      {"kernel", m.kernel},
      {"hypervisor", m.hypervisor},
      {"load", m.load},
      {"threads", m.threads},
      {"threads_reason", m.threads_reason},
  };
}

Status inspect_machine(const Options& options) {
  const Machine& machine = this_machine();
  if (options.json) {
    fmt::print("{}\n", to_json(machine).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return {};
  }
  const Lines lines = describe(machine);
  size_t width = 0;
  for (const auto& line : lines) width = std::max(width, line.first.size());
  for (const auto& [name, value] : lines) fmt::print("{:<{}}  {}\n", name, width, value);
  return {};
}

}  // namespace

void add_inspect(CLI::App& lathe, Command& chosen) {
  CLI::App* inspect =
      lathe.add_subcommand("inspect", "Show what lathe knows about this machine, its GPUs, its kernels, or a model");
  inspect->require_subcommand(1);
  CLI::App* machine = inspect->add_subcommand("machine", "CPU, caches, memory, limits, and the thread count they give");
  auto options = std::make_shared<Options>();
  machine->add_flag("--json", options->json, "Print JSON");
  machine->callback([options, &chosen] { chosen = [options] { return inspect_machine(*options); }; });
  add_inspect_devices(*inspect, chosen);
  add_inspect_kernels(*inspect, chosen);
  add_inspect_model(*inspect, chosen);
}

}  // namespace lathe::cli
