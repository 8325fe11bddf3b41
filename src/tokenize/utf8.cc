#include "tokenize/utf8.h"

#include <cstring>

namespace lathe::tokenize {
namespace {

struct Step {
  uint32_t length;  // bytes consumed: a whole code point, or the maximal part of an invalid one
  bool valid;
};

Step step(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const uint32_t length = sequence_length(text[0]);
  // The second byte also rules out overlong forms, surrogates and what lies beyond U+10FFFF.
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (uint32_t i = 1; i < length; ++i) {
    if (i == text.size()) return {i, false};
    if (byte(i) < (i == 1 ? low : 0x80) || byte(i) > (i == 1 ? high : 0xBF)) return {i, false};
  }
  return {length, true};
}

}  // namespace

void append_code_point(uint32_t value, std::string& out) {
  const auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (value < 0x80) {
    put(value);
  } else if (value < 0x800) {
    put(0xC0 | value >> 6);
    put(0x80 | (value & 0x3F));
  } else if (value < 0x10000) {
    put(0xE0 | value >> 12);
    put(0x80 | (value >> 6 & 0x3F));
    put(0x80 | (value & 0x3F));
  } else {
    put(0xF0 | value >> 18);
    put(0x80 | (value >> 12 & 0x3F));
    put(0x80 | (value >> 6 & 0x3F));
    put(0x80 | (value & 0x3F));
  }
}

size_t ascii_run(std::string_view text, size_t from) {
  size_t at = from;
  for (uint64_t word; at + 8 <= text.size(); at += 8) {
    std::memcpy(&word, text.data() + at, 8);
    if (word & 0x8080808080808080u) break;
  }
  while (at < text.size() && is_ascii(text[at])) ++at;
  return at - from;
}

bool is_valid_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    at += ascii_run(text, at);
    if (at == text.size()) break;
    const Step next = step(text.substr(at));
    if (!next.valid) return false;
    at += next.length;
  }
  return true;
}

void append_valid(std::string_view text, std::string& out) {
  for (size_t at = 0; at < text.size();) {
    const Step next = step(text.substr(at));
    if (next.valid)
      out.append(text.substr(at, next.length));
    else
      out += "\xEF\xBF\xBD";
    at += next.length;
  }
}

}  // namespace lathe::tokenize
