// The fixed parts of a file of token ids, little-endian: head, ids, meta, the tokenizer's files, tail. What is known
// only at the end stands at the end, so that ids are written as they come. Reader, writer and tests alone include this.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/sha256.h"

namespace lathe::token_shard_layout {

constexpr char kMagic[8] = {'L', 'A', 'T', 'H', 'E', 'T', 'O', 'K'};
constexpr uint32_t kVersion = 1;
constexpr int64_t kAlignment = 64;

struct Head {
  char magic[8];
  uint32_t version, id_bytes;
  uint64_t zero[6];
};
static_assert(sizeof(Head) == 64);  // ids follow

struct Tail {
  uint64_t count, train_count;  // ids, and those before the validation part
  uint64_t vocabulary;
  uint64_t meta_at, meta_bytes;  // JSON, aligned; the tokenizer's files follow it without a gap, up to the tail
  uint64_t file_bytes;
  char body_sha256[64];  // of all before the tail, in hexadecimal digits
  char tail_sha256[64];  // of the tail itself, these digits taken as zeros
  char magic[8];
  uint64_t zero;
};
static_assert(sizeof(Tail) == 192);

inline std::string tail_checksum(Tail tail) {
  for (char& c : tail.tail_sha256) c = 0;
  return sha256_hex({reinterpret_cast<const char*>(&tail), sizeof tail});
}

}  // namespace lathe::token_shard_layout
