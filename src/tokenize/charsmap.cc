#include "tokenize/charsmap.h"

#include <cstring>

#include "tokenize/utf8.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

// One unit of darts-clone's array.
uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
uint32_t label_of(uint32_t unit) { return unit & (1u << 31 | 0xFF); }
bool has_leaf(uint32_t unit) { return unit >> 8 & 1; }
uint32_t value_of(uint32_t unit) { return unit & 0x7FFFFFFF; }

uint32_t little_endian(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= uint32_t{static_cast<unsigned char>(bytes[at + i])} << 8 * i;
  return value;
}

}  // namespace

Charsmap::Charsmap(std::string_view bytes, std::string_view field) {
  if (bytes.empty()) return;
  if (bytes.size() < 8) wrong("field \"{}\" has {} bytes, a character map has 8 or more", field, bytes.size());
  const uint32_t size = little_endian(bytes, 0);
  if (size % 4 != 0 || size == 0 || size > bytes.size() - 4)
    wrong("field \"{}\" announces an array of {} bytes, {} follow", field, size, bytes.size() - 4);
  units_.resize(size / 4);
  for (size_t i = 0; i < units_.size(); ++i) units_[i] = little_endian(bytes, 4 + 4 * i);
  replacements_ = bytes.substr(4 + size);
  if (!is_valid_utf8(replacements_)) wrong("field \"{}\" has replacements that are not valid UTF-8", field);
  for (uint32_t c = 0; c < 256; ++c) {
    const size_t at = offset_of(units_[0]) ^ c;
    begins_[c] = at < units_.size() && label_of(units_[at]) == c;
  }
}

Charsmap::Match Charsmap::search(std::string_view text, bool longest) const {
  Match match;
  if (units_.empty()) return match;
  size_t at = offset_of(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const uint32_t byte = static_cast<unsigned char>(text[i]);
    at ^= byte;
    if (at >= units_.size() || label_of(units_[at]) != byte) break;
    const bool leaf = has_leaf(units_[at]);
    at ^= offset_of(units_[at]);
    if (!leaf) continue;
    if (at >= units_.size()) break;
    const size_t begin = value_of(units_[at]);
    // A replacement is whole code points where the map is sound; a position inside one would break that.
    if (begin > replacements_.size() || (begin < replacements_.size() && is_continuation(replacements_[begin]))) break;
    const size_t end = std::min(replacements_.find('\0', begin), replacements_.size());
    match = {i + 1, std::string_view(replacements_).substr(begin, end - begin)};
    if (!longest) break;
  }
  // A key that ends inside a code point would leave half of it behind.
  if (match.length < text.size() && is_continuation(text[match.length])) return {};
  return match;
}

}  // namespace lathe::tokenize
