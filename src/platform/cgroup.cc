#include "platform/cgroup.h"

#include <algorithm>
#include <vector>

#include "platform/system_text.h"

namespace lathe {
namespace {

// One hierarchy as this process sees it.
struct Hierarchy {
  std::string mount;  // "/sys/fs/cgroup/cpu"
  std::string root;   // the group that is mounted there
  std::string group;  // the group of this process
};

// mountinfo writes a space in a path as \040.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](size_t at) { return text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool lists(std::string_view commas, std::string_view word) {
  const auto words = split(commas, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

// /proc/self/cgroup: "4:memory:/a/b", and "0::/a/b" for v2 (`controller` empty).
std::optional<std::string> group_of(std::string_view cgroups, std::string_view controller) {
  for (const std::string_view line : split(cgroups, '\n')) {
    const size_t first = line.find(':'), second = line.find(':', first == line.npos ? first : first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const bool match =
        controller.empty() ? line.substr(0, first) == "0" && controllers.empty() : lists(controllers, controller);
    if (match) return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

// mountinfo: id parent major:minor ROOT MOUNT options [optional ...] - TYPE source SUPER_OPTIONS
std::optional<Hierarchy> hierarchy(std::string_view mountinfo, std::string_view cgroups, std::string_view controller) {
  const auto group = group_of(cgroups, controller);
  if (!group) return std::nullopt;
  for (const std::string_view line : split(mountinfo, '\n')) {
    const size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto left = split(line.substr(0, dash), ' '), right = split(line.substr(dash + 3), ' ');
    if (left.size() < 6 || right.size() < 3) continue;
    const bool match = controller.empty() ? right[0] == "cgroup2" : right[0] == "cgroup" && lists(right[2], controller);
    if (match) return Hierarchy{unescape(left[4]), unescape(left[3]), *group};
  }
  return std::nullopt;
}

// The folders from the process's group up to the mount point.
std::vector<std::string> folders_upwards(const Hierarchy& h) {
  std::string below = h.group;
  if (h.root != "/") {
    const bool inside = below.starts_with(h.root) && (below.size() == h.root.size() || below[h.root.size()] == '/');
    below = inside ? below.substr(h.root.size()) : "";  // a container sees its own group as the root
  }
  // "/../x" is a group outside of our cgroup namespace, whose files are out of sight.
  if (!below.starts_with('/') || below.starts_with("/..")) below.clear();
  std::vector<std::string> folders;
  for (; below.size() > 1; below.resize(below.rfind('/'))) folders.push_back(h.mount + below);
  folders.push_back(h.mount);
  return folders;
}

template <class T>
void tighten(T& limit, std::string& source, std::optional<T> found, const std::string& path) {
  if (!found || (limit != 0 && limit <= *found)) return;
  limit = *found;
  source = path;
}

}  // namespace

std::optional<double> parse_cpu_max(std::string_view text) {
  const auto words = split(trim(text), ' ');
  return words.size() == 2 ? parse_cfs_quota(words[0], words[1]) : std::nullopt;
}

std::optional<double> parse_cfs_quota(std::string_view quota, std::string_view period) {
  const auto time = parse_integer(quota), of = parse_integer(period);
  if (!time || !of || *time <= 0 || *of <= 0) return std::nullopt;
  return static_cast<double>(*time) / static_cast<double>(*of);
}

std::optional<int64_t> parse_memory_limit(std::string_view text) {
  constexpr int64_t kUnlimited = int64_t{1} << 60;
  const auto bytes = parse_integer(text);
  return bytes && *bytes > 0 && *bytes < kUnlimited ? bytes : std::nullopt;
}

CgroupLimits cgroup_limits(const ReadFile& read) {
  CgroupLimits limits;
  const std::string mounts = read("/proc/self/mountinfo").value_or("");
  const std::string cgroups = read("/proc/self/cgroup").value_or("");
  const auto text = [&](const std::string& path) { return read(path).value_or(""); };
  const auto each_folder = [&](std::string_view controller, auto visit) {
    if (const auto h = hierarchy(mounts, cgroups, controller))
      for (const std::string& folder : folders_upwards(*h)) visit(folder);
  };
  const auto memory_file = [&](const std::string& path) {
    tighten(limits.memory, limits.memory_source, parse_memory_limit(text(path)), path);
  };
  each_folder("", [&](const std::string& folder) {
    const std::string path = folder + "/cpu.max";
    tighten(limits.cpus, limits.cpus_source, parse_cpu_max(text(path)), path);
    memory_file(folder + "/memory.max");
  });
  each_folder("cpu", [&](const std::string& folder) {
    const std::string path = folder + "/cpu.cfs_quota_us";
    tighten(limits.cpus, limits.cpus_source, parse_cfs_quota(text(path), text(folder + "/cpu.cfs_period_us")), path);
  });
  each_folder("memory", [&](const std::string& folder) { memory_file(folder + "/memory.limit_in_bytes"); });
  return limits;
}

}  // namespace lathe
