// Text from a file, fit to stand in a sentence.
#pragma once

#include <string>
#include <string_view>

namespace lathe {

// In quotes, control characters as '?', at most 96 bytes: names in hostile files are as long as the file.
inline std::string shown(std::string_view text) {
  constexpr size_t kMost = 96;
  std::string quoted = "'";
  for (const char c : text.substr(0, kMost)) quoted += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  quoted += text.size() > kMost ? "...'" : "'";
  return quoted;
}

}  // namespace lathe
