#include "probe/columns.h"

#include <algorithm>

namespace lathe::probe {
namespace {

// Code points, so that a name with an accent does not shift its line.
size_t width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string Columns::text(std::string_view indent) const {
  std::vector<size_t> widths(alignment_.size(), 0);
  for (const auto& line : lines_)
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width(line[i]));
  std::string out;
  for (const auto& line : lines_) {
    std::string text(indent);
    for (size_t i = 0; i < line.size(); ++i) {
      const std::string padding(widths[i] - width(line[i]), ' ');
      text += (i ? "  " : "") + (alignment_[i] == 'r' ? padding + line[i] : line[i] + padding);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

}  // namespace lathe::probe
