#include "tokenize/byte_alphabet.h"

#include "tokenize/utf8.h"

namespace lathe::tokenize {
namespace {

constexpr bool is_printable(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// Printable bytes stand for themselves; the others follow from U+0100 on, in order.
constexpr std::array<uint32_t, 256> code_points() {
  std::array<uint32_t, 256> table{};
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) table[byte] = is_printable(byte) ? byte : next++;
  return table;
}
constexpr std::array<uint32_t, 256> kCodePoints = code_points();

constexpr std::array<int16_t, 0x144> bytes() {
  std::array<int16_t, 0x144> table{};
  for (auto& entry : table) entry = -1;
  for (uint32_t byte = 0; byte < 256; ++byte) table[kCodePoints[byte]] = static_cast<int16_t>(byte);
  return table;
}
constexpr std::array<int16_t, 0x144> kBytes = bytes();

}  // namespace

const std::array<std::string, 256>& byte_alphabet() {
  static const std::array<std::string, 256> alphabet = [] {
    std::array<std::string, 256> made;
    for (size_t byte = 0; byte < 256; ++byte) append_code_point(kCodePoints[byte], made[byte]);
    return made;
  }();
  return alphabet;
}

int byte_of(uint32_t code_point) { return code_point < kBytes.size() ? kBytes[code_point] : -1; }

}  // namespace lathe::tokenize
