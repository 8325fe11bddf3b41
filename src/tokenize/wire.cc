#include "tokenize/wire.h"

#include <bit>

#include "tokenize/wrong.h"

namespace lathe::tokenize {

float WireField::as_float() const { return std::bit_cast<float>(static_cast<uint32_t>(value)); }

uint64_t WireReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ == bytes_.size()) wrong("{} ends inside a number, at byte {}", message_, at_);
    const auto byte = static_cast<unsigned char>(bytes_[at_++]);
    value |= uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return value;
  }
  wrong("{} has a number of more than 64 bits at byte {}", message_, at_);
}

uint64_t WireReader::fixed(size_t count) {
  if (bytes_.size() - at_ < count) wrong("{} ends inside a number, at byte {}", message_, at_);
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) value |= uint64_t{static_cast<unsigned char>(bytes_[at_ + i])} << 8 * i;
  at_ += count;
  return value;
}

bool WireReader::next(WireField& field) {
  if (at_ == bytes_.size()) return false;
  const uint64_t tag = varint();
  const uint64_t number = tag >> 3;
  if (number == 0 || number > UINT32_MAX) wrong("{} has no field number at byte {}", message_, at_);
  field = {};
  field.number = static_cast<uint32_t>(number);
  switch (tag & 7) {
    case 0:
      field.value = varint();
      break;
    case 1:
      field.value = fixed(8);
      break;
    case 5:
      field.value = fixed(4);
      break;
    case 2: {
      const uint64_t length = varint();
      if (length > bytes_.size() - at_)
        wrong("{}: field {} announces {} bytes, {} follow", message_, number, length, bytes_.size() - at_);
      field.bytes = bytes_.substr(at_, length);
      field.has_bytes = true;
      at_ += length;
      break;
    }
    default:
      wrong("{}: field {} is of wire type {}, needed 0, 1, 2 or 5", message_, number, tag & 7);
  }
  return true;
}

}  // namespace lathe::tokenize
