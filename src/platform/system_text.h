// Readers of the texts that Linux keeps in /proc and /sys. Pure functions; text that is not what it should be gives
// nothing, never a wrong number.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe {

std::vector<std::string_view> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::optional<int64_t> parse_integer(std::string_view text);  // the whole of it, spaces aside

std::vector<int> parse_cpu_list(std::string_view text);          // "0-3,8": 0 1 2 3 8; empty where it is garbage
std::optional<int64_t> parse_cache_size(std::string_view text);  // "512K", "32M", "49152"

// "key   : value" of the first processor in /proc/cpuinfo; empty where the key is not there.
std::string_view cpuinfo_field(std::string_view cpuinfo, std::string_view key);
// "MemTotal:  24684092 kB", in bytes.
std::optional<int64_t> meminfo_bytes(std::string_view meminfo, std::string_view key);
std::optional<std::array<double, 3>> parse_loadavg(std::string_view text);

}  // namespace lathe
