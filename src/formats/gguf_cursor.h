// Reading a GGUF file from its beginning, never beyond its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "formats/gguf.h"
#include "lathe/status.h"

namespace lathe {

class GgufCursor {
 public:
  GgufCursor(std::span<const std::byte> bytes, std::string_view file) : bytes_(bytes), file_(file) {}

  const std::string& file() const { return file_; }
  size_t position() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }

  // Each fails where the file ends too early; `what` then names the field.
  template <class T>
  Status read(T& value, std::string_view what) {
    std::span<const std::byte> part;
    const Status status = take(sizeof value, part, what);
    if (status.ok()) std::memcpy(&value, part.data(), sizeof value);
    return status;
  }
  Status read(std::string_view& text, std::string_view what);  // a length of 64 bits and that many characters
  Status read(GgufType& type, std::string_view what);
  Status read(GgufValue& value, std::string_view what);  // its type first
  Status take(uint64_t count, std::span<const std::byte>& part, std::string_view what);

 private:
  Status read_array(GgufValue& value, std::string_view what);

  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  std::string file_;
};

// Bytes of one number; 0 for strings and arrays.
size_t gguf_type_bytes(GgufType type);

}  // namespace lathe
