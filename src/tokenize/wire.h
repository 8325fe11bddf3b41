// The fields of a protocol-buffer message, one after another, as far as a SentencePiece model needs them.
#pragma once

#include <cstdint>
#include <string_view>

namespace lathe::tokenize {

struct WireField {
  uint32_t number = 0;
  uint64_t value = 0;      // of a number
  std::string_view bytes;  // of a string or a message
  bool has_bytes = false;

  float as_float() const;
};

class WireReader {
 public:
  // `message` is what sentences call these bytes.
  WireReader(std::string_view bytes, std::string_view message) : bytes_(bytes), message_(message) {}
  // False at the end. Throws Wrong for bytes that are no message.
  bool next(WireField& field);

 private:
  uint64_t varint();
  uint64_t fixed(size_t bytes);

  std::string_view bytes_;
  std::string_view message_;
  size_t at_ = 0;
};

}  // namespace lathe::tokenize
