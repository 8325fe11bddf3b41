#include "platform/system_text.h"

#include <charconv>

#include "base/checked.h"

namespace lathe {
namespace {

template <class T>
std::optional<T> parse_number(std::string_view text) {
  text = trim(text);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr int64_t kMostCpus = 1 << 16;  // far beyond any kernel's limit: a longer list is garbage

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::optional<int64_t> parse_integer(std::string_view text) { return parse_number<int64_t>(text); }

std::vector<int> parse_cpu_list(std::string_view text) {
  std::vector<int> cpus;
  text = trim(text);
  if (text.empty()) return cpus;
  for (const std::string_view part : split(text, ',')) {
    const size_t dash = part.find('-');
    const auto first = parse_integer(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_integer(part.substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first || *last >= kMostCpus) return {};
    for (int64_t cpu = *first; cpu <= *last; ++cpu) cpus.push_back(static_cast<int>(cpu));
  }
  return cpus;
}

std::optional<int64_t> parse_cache_size(std::string_view text) {
  text = trim(text);
  int64_t unit = 1;
  if (text.ends_with('K')) unit = int64_t{1} << 10;
  if (text.ends_with('M')) unit = int64_t{1} << 20;
  if (unit != 1) text.remove_suffix(1);
  const auto count = parse_integer(text);
  return count && *count > 0 ? checked_mul(*count, unit) : std::nullopt;
}

std::string_view cpuinfo_field(std::string_view cpuinfo, std::string_view key) {
  for (const std::string_view line : split(cpuinfo, '\n')) {
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos && trim(line.substr(0, colon)) == key) return trim(line.substr(colon + 1));
  }
  return {};
}

std::optional<int64_t> meminfo_bytes(std::string_view meminfo, std::string_view key) {
  std::string_view value = cpuinfo_field(meminfo, key);  // the same "key: value" form
  if (!value.ends_with(" kB")) return std::nullopt;
  value.remove_suffix(3);
  const auto kib = parse_integer(value);
  return kib && *kib >= 0 ? checked_mul(*kib, 1024) : std::nullopt;
}

std::optional<std::array<double, 3>> parse_loadavg(std::string_view text) {
  const auto words = split(text, ' ');
  std::array<double, 3> load{};
  if (words.size() < load.size()) return std::nullopt;
  for (size_t i = 0; i < load.size(); ++i) {
    const auto value = parse_number<double>(words[i]);
    if (!value) return std::nullopt;
    load[i] = *value;
  }
  return load;
}

}  // namespace lathe
