#include "chat/string_literal.h"

#include <cstdint>

#include "tokenize/utf8.h"

namespace lathe::chat {
namespace {

struct Digits {
  uint32_t value = 0;
  size_t count = 0;
};

Digits digits_of(std::string_view text, size_t most, uint32_t base) {
  Digits read;
  for (; read.count < most && read.count < text.size(); ++read.count) {
    const char c = text[read.count];
    const uint32_t digit = c >= '0' && c <= '9'   ? static_cast<uint32_t>(c - '0')
                           : c >= 'a' && c <= 'f' ? static_cast<uint32_t>(c - 'a' + 10)
                           : c >= 'A' && c <= 'F' ? static_cast<uint32_t>(c - 'A' + 10)
                                                  : 16;
    if (digit >= base) break;
    read.value = read.value * base + digit;
  }
  return read;
}

// Appends what `escape` (behind the backslash, not empty) stands for; bytes of it that were read, 0 for none.
size_t append_escape(std::string_view escape, std::string& out) {
  constexpr std::string_view kFrom = "\\'\"abfnrtv", kTo = "\\'\"\a\b\f\n\r\t\v";
  const char c = escape[0];
  if (c == '\n') return 1;
  if (const size_t found = kFrom.find(c); found != kFrom.npos) {
    out += kTo[found];
    return 1;
  }
  if (const Digits octal = digits_of(escape, 3, 8); octal.count > 0) {
    tokenize::append_code_point(octal.value, out);
    return octal.count;
  }
  const size_t wanted = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  const Digits hex = digits_of(escape.substr(1), wanted, 16);
  const bool is_character = hex.value < 0xD800 || (hex.value > 0xDFFF && hex.value < 0x110000);
  if (wanted == 0 || hex.count != wanted || !is_character) return 0;
  tokenize::append_code_point(hex.value, out);
  return 1 + wanted;
}

}  // namespace

std::string unescaped(std::string_view literal) {
  std::string out;
  for (size_t at = 0; at < literal.size();) {
    if (literal[at] == '\\' && at + 1 < literal.size())
      if (const size_t read = append_escape(literal.substr(at + 1), out); read > 0) {
        at += 1 + read;
        continue;
      }
    out += literal[at++];
  }
  return out;
}

}  // namespace lathe::chat
