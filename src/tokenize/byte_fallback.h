// The 256 pieces <0x00> to <0xFF> that stand for bytes without a piece of their own.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tokenize/vocab.h"

namespace lathe::tokenize {

struct ByteFallback {
  std::array<int32_t, 256> ids{};

  // -1 where a piece is not there.
  static ByteFallback of(const PieceIndex& index);
  bool complete() const;
};

// The byte that "<0x41>" names, or -1.
int byte_piece_value(std::string_view piece);

}  // namespace lathe::tokenize
