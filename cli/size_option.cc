#include "size_option.h"

#include <cctype>
#include <charconv>

#include "base/shown.h"

namespace lathe::cli {

Result<int64_t> parse_size(const std::string& text, const char* option) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  std::string unit(parsed.ptr, end);
  for (char& c : unit) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (unit.ends_with("IB"))
    unit.resize(unit.size() - 2);
  else if (unit.ends_with("B"))
    unit.pop_back();
  const size_t step = unit.empty() ? 0 : std::string("KMGT").find(unit) + 1;
  const double bytes = number * static_cast<double>(int64_t{1} << (10 * step % 50));
  // npos + 1 is 0: a unit that is none
  if (parsed.ec != std::errc() || unit.size() > 1 || (!unit.empty() && step == 0) || !(bytes >= 1) || bytes > 1e18)
    return invalid_argument(std::string(option) + " is " + shown(text) + ", needed: a size like 512M or 2G");
  return static_cast<int64_t>(bytes);
}

}  // namespace lathe::cli
