// UTF-8 as the tokenizers see it. Text from outside is made valid once, at the door: each maximal part of an invalid
// sequence becomes one U+FFFD, as the WHATWG decoder and Python's errors="replace" have it. Behind the door every
// text is valid, and the readers below rely on that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lathe::tokenize {

struct CodePoint {
  uint32_t value;
  uint32_t length;  // in bytes
};

// The first code point of `text`, which is valid and not empty.
inline CodePoint first_code_point(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}

// Bytes of the code point that begins with `lead`.
inline uint32_t sequence_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

inline bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }
inline bool is_ascii(char byte) { return static_cast<unsigned char>(byte) < 0x80; }

// Where the last code point of `text`, which is valid and not empty, begins.
inline size_t last_code_point(std::string_view text) {
  size_t at = text.size() - 1;
  while (is_continuation(text[at])) --at;
  return at;
}

void append_code_point(uint32_t value, std::string& out);
bool is_valid_utf8(std::string_view text);
// Bytes from `from` on that are ASCII.
size_t ascii_run(std::string_view text, size_t from);
// Appends `text` with U+FFFD in place of what is not valid.
void append_valid(std::string_view text, std::string& out);

}  // namespace lathe::tokenize
