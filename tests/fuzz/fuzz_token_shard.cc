// libFuzzer: any bytes as a file of token ids, which are then all read. The checksums would refuse nearly every one of
// them; so the input is also sealed as a hostile writer would.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "aligned_copy.h"
#include "formats/token_shard.h"
#include "formats/token_shard_layout.h"
#include "memory_bound.h"

namespace {

size_t touch(const lathe::TokenShard& shard) {
  size_t sum = shard.info().source.size();
  for (const lathe::NamedFile& file : shard.info().tokenizer) sum += file.name.size() + file.bytes.size();
  if (shard.info().train_count > shard.count() || shard.info().train_count < 0) std::abort();
  std::vector<int32_t> ids(static_cast<size_t>(std::min<int64_t>(shard.count(), 4096)));
  for (int64_t at = 0; at < shard.count(); at += static_cast<int64_t>(ids.size())) {
    const auto part = std::span(ids).first(std::min(ids.size(), static_cast<size_t>(shard.count() - at)));
    shard.read(at, part);
    for (const int32_t id : part) {
      if (id < 0 || id >= shard.info().vocabulary) std::abort();
      sum += static_cast<size_t>(id);
    }
  }
  return sum;
}

void read(std::span<const std::byte> bytes) {
  const lathe::fuzz::AlignedCopy copy(bytes);
  const lathe::fuzz::MemoryBound bound(bytes.size());
  const auto shard = lathe::TokenShard::parse(copy.bytes(), "f");
  const auto flat = lathe::TokenShard::parse_flat(copy.bytes(), "f", 32'000);
  volatile size_t sum = (shard ? touch(*shard) : 0) + (flat ? touch(*flat) : 0);
  static_cast<void>(sum);
}

std::string sealed(std::string bytes) {
  using lathe::token_shard_layout::Tail;
  if (bytes.size() < sizeof(Tail)) return bytes;
  Tail tail;
  char* at = bytes.data() + bytes.size() - sizeof tail;
  std::memcpy(&tail, at, sizeof tail);
  tail.file_bytes = bytes.size();
  const std::string body = lathe::sha256_hex(std::string_view(bytes).substr(0, bytes.size() - sizeof tail));
  std::memcpy(tail.body_sha256, body.data(), sizeof tail.body_sha256);
  const std::string sum = lathe::token_shard_layout::tail_checksum(tail);
  std::memcpy(tail.tail_sha256, sum.data(), sizeof tail.tail_sha256);
  std::memcpy(at, &tail, sizeof tail);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read(std::as_bytes(std::span(data, size)));
  const std::string file = sealed({reinterpret_cast<const char*>(data), size});
  read(std::as_bytes(std::span(file)));
  return 0;
}
