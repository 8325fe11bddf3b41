// A precompiled map of characters as SentencePiece writes it: a double array (Darts) from byte strings to positions in
// a block of NUL-terminated replacements. Read where it is, every index checked.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::tokenize {

class Charsmap {
 public:
  Charsmap() = default;
  // Throws Wrong for bytes that are no such map; `field` is what the sentence names. Empty bytes map nothing.
  Charsmap(std::string_view bytes, std::string_view field);

  struct Match {
    size_t length = 0;  // bytes of the text; 0: nothing matches
    std::string_view replacement;
  };
  Match longest(std::string_view text) const { return search(text, true); }
  Match shortest(std::string_view text) const { return search(text, false); }
  // No key is this byte alone or begins with it, so that ASCII text can be copied.
  bool leaves_alone(char ascii) const { return !begins_[static_cast<unsigned char>(ascii)]; }

 private:
  Match search(std::string_view text, bool longest) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
  std::array<bool, 256> begins_{};
};

}  // namespace lathe::tokenize
