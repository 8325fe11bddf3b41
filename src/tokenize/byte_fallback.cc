#include "tokenize/byte_fallback.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace lathe::tokenize {

ByteFallback ByteFallback::of(const PieceIndex& index) {
  ByteFallback made;
  for (size_t byte = 0; byte < 256; ++byte) made.ids[byte] = index.find(fmt::format("<0x{:02X}>", byte));
  return made;
}

bool ByteFallback::complete() const {
  return std::all_of(ids.begin(), ids.end(), [](int32_t id) { return id >= 0; });
}

int byte_piece_value(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') return -1;
  int value = -1;
  const auto [end, error] = std::from_chars(piece.data() + 3, piece.data() + 5, value, 16);
  return error == std::errc() && end == piece.data() + 5 ? value : -1;
}

}  // namespace lathe::tokenize
