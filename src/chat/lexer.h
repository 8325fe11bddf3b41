// A template's text as the pieces that the parser reads: text, and the tokens between {{ }} and {% %}. Whitespace is
// treated as transformers sets Jinja up: trim_blocks and lstrip_blocks, and "-" and "+" in the tags.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::chat {

enum class TokenKind : uint8_t {
  data,
  tag_begin,
  tag_end,
  output_begin,
  output_end,
  name,
  text,
  integer,
  real,
  sign,
  end
};

struct Token {
  TokenKind kind = TokenKind::end;
  int line = 1;
  std::string text = {};  // of data and text: the content; of a sign: itself; of a name: itself
  int64_t integer = 0;
  double real = 0;
};

inline constexpr size_t kLongestTemplate = size_t{1} << 20;  // bytes; the longest published are 20 KB

// Throws Wrong.
std::vector<Token> lex(std::string_view source);

}  // namespace lathe::chat
