// GPT-2's alphabet: the 256 bytes as 256 printable characters, U+0021 to U+0143. A space is U+0120.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace lathe::tokenize {

// The character of each byte, in UTF-8.
const std::array<std::string, 256>& byte_alphabet();
// The byte that `code_point` stands for, or -1.
int byte_of(uint32_t code_point);

}  // namespace lathe::tokenize
