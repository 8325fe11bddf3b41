// The fields of a protocol-buffer message, one behind the other.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace lathe {

class ProtobufWriter {
 public:
  // A number that is negative has 64 bits, whatever its type.
  ProtobufWriter& integer(uint32_t field, int64_t value) {
    tag(field, 0);
    varint(static_cast<uint64_t>(value));
    return *this;
  }
  ProtobufWriter& number(uint32_t field, float value) { return fixed(field, 5, value); }
  ProtobufWriter& number(uint32_t field, double value) { return fixed(field, 1, value); }
  // A string, or a message.
  ProtobufWriter& text(uint32_t field, std::string_view value) {
    tag(field, 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void tag(uint32_t field, uint32_t wire) { varint(uint64_t{field} << 3 | wire); }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  template <class T>
  ProtobufWriter& fixed(uint32_t field, uint32_t wire, T value) {
    tag(field, wire);
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);  // little-endian, as the format is
    bytes_.append(bytes, sizeof bytes);
    return *this;
  }
  std::string bytes_;
};

}  // namespace lathe
