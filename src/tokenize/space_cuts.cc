#include "tokenize/space_cuts.h"

namespace lathe::tokenize {

void SpaceCuts::allow_for(std::string_view piece) {
  for (size_t at = piece.find(kSpaceMark, 1); at != piece.npos; at = piece.find(kSpaceMark, at + 1))
    if (!piece.substr(0, at).ends_with(kSpaceMark)) joined_[static_cast<unsigned char>(piece[at - 1])] = true;
}

size_t SpaceCuts::part_end(std::string_view text, size_t begin) const {
  for (size_t at = begin + 1; at < text.size(); ++at) {
    if (text[at] != kSpaceMark[0]) continue;
    if (!text.substr(at).starts_with(kSpaceMark)) continue;
    const std::string_view before = text.substr(begin, at - begin);
    if (!before.ends_with(kSpaceMark) && !joined_[static_cast<unsigned char>(before.back())]) return at;
  }
  return text.size();
}

}  // namespace lathe::tokenize
