// The fixed parts of a file of packed weights, byte for byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lathe {

inline constexpr char kPackedMagic[8] = {'l', 'a', 't', 'h', 'e', 'p', 'k', '\n'};
// Panels begin at multiples of this, the first one a page behind the head.
inline constexpr int64_t kPackedAlignment = 64, kPackedDataAt = 4096;

struct PackedHead {
  char magic[8];
  uint32_t version;
  uint32_t entries;
  int64_t table_at;     // behind the panels
  int64_t table_bytes;  // up to the end of the file
  char checksum[64];    // SHA-256 of head and table in hexadecimal digits, these taken as zeros
};
static_assert(sizeof(PackedHead) == 96);

// The name follows: its length as u32, its bytes.
struct PackedRecord {
  uint8_t layout;  // matmul::Layout
  uint8_t gated;
  uint8_t zero[6];
  int64_t n, k, offset, bytes;
};
static_assert(sizeof(PackedRecord) == 40);

std::string packed_checksum(PackedHead head, std::string_view table);

}  // namespace lathe
