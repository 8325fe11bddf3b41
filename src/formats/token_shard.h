// Token ids to train on, in one file: docs/formats.md has its bytes. The training part comes first, then the validation
// part; the tokenizer's files are inside, so that a model can be used with nothing else.
//
// Read through a mapping. Everything is checked when the file is opened: sizes against its length, both checksums, and
// every id against the vocabulary, in one pass over the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "base/sha256.h"
#include "lathe/status.h"
#include "platform/mapped_file.h"

namespace lathe {

// A file of the tokenizer, by the name that it has in a Hugging Face folder.
struct NamedFile {
  std::string name, bytes;
  bool operator==(const NamedFile&) const = default;
};

struct TokenShardInfo {
  std::string source;       // what it was made of, for people
  int64_t documents = 0;    // at most as many as there are ids
  int32_t separator = -1;   // the token between two documents; -1: there is none
  int64_t vocabulary = 0;   // every id is below it
  int64_t train_count = 0;  // ids before the validation part
  std::vector<NamedFile> tokenizer{};
};

class TokenShard {
 public:
  // `bytes` outlive the shard and begin at a multiple of 4; `name` is what errors call it.
  static Result<TokenShard> parse(std::span<const std::byte> bytes, std::string_view name);
  static Result<TokenShard> open(const std::string& path);
  // A file of llama2.c: ids of 16 bits and nothing else, of which all are for training.
  static Result<TokenShard> parse_flat(std::span<const std::byte> bytes, std::string_view name, int64_t vocabulary);
  // A shard, or else a file of llama2.c with that vocabulary (0: nobody knows, which is an error for such a file).
  static Result<TokenShard> open_any(const std::string& path, int64_t vocabulary);

  const TokenShardInfo& info() const { return info_; }
  int64_t count() const { return count_; }  // of ids, both parts
  int64_t validation_count() const { return count_ - info_.train_count; }
  int id_bytes() const { return id_bytes_; }
  // Of the whole file: two of the same digest hold the same ids and the same tokenizer.
  const std::string& sha256() const { return sha256_; }

  // The ids from `begin` on, as many as `out` has room for; all of them are there.
  void read(int64_t begin, std::span<int32_t> out) const;

 private:
  Status check_ids(std::string_view name) const;

  MappedFile mapping_;
  TokenShardInfo info_;
  std::span<const std::byte> ids_;
  int64_t count_ = 0;
  int id_bytes_ = 2;
  std::string sha256_;
};

bool looks_like_token_shard(std::span<const std::byte> bytes);

// Writes ids as they come. The file is there whole or not at all.
class TokenShardWriter {
 public:
  // Ids take 16 bits where the vocabulary allows it.
  static Result<TokenShardWriter> create(const std::string& path, int64_t vocabulary);

  const AtomicFile& file() const { return file_; }
  int64_t count() const { return count_; }

  // An error where an id is none of the vocabulary.
  Status add(std::span<const int32_t> ids);
  // `info` has the vocabulary of create() and at most as many training ids as were added.
  Status finish(const TokenShardInfo& info);

 private:
  TokenShardWriter(AtomicFile file, int64_t vocabulary, int id_bytes)
      : file_(std::move(file)), vocabulary_(vocabulary), id_bytes_(id_bytes) {}
  Status write(std::string_view bytes);
  Status flush();
  Status pad();

  AtomicFile file_;
  int64_t vocabulary_;
  int id_bytes_;
  int64_t count_ = 0, at_ = 0;
  std::string buffer_;
  Sha256 hash_;
};

}  // namespace lathe
