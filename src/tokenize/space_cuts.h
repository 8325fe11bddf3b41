// Where a text may be cut so that no piece lies across: in front of a U+2581 that follows something else, unless the
// vocabulary has a piece in which it follows the same byte. Words between such cuts are segmented one by one, which
// keeps memory small and lets common words be remembered, and the result is that of the whole text.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace lathe::tokenize {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

class SpaceCuts {
 public:
  // Makes the cuts that would divide `piece` impossible.
  void allow_for(std::string_view piece);
  // The end of the part of `text` that begins at `begin`.
  size_t part_end(std::string_view text, size_t begin) const;

 private:
  std::array<bool, 256> joined_{};  // bytes behind which a piece goes on with U+2581
};

}  // namespace lathe::tokenize
